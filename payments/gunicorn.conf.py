"""gunicorn's settings: the chassis' for every service."""

from chassis.gunicorn_defaults import defaults

globals().update(defaults("payments"))
