"""gunicorn's settings: those of every service, from USERS_* variables."""

from chassis.gunicorn_defaults import defaults

globals().update(defaults("users"))
