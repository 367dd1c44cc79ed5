"""gunicorn's settings: those of every service, from USERS_* variables."""

from chassis.gunicorn_defaults import defaults
from users.settings import Settings

globals().update(defaults("users", Settings))
