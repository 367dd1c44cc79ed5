"""gunicorn's settings: the chassis' for every service."""

from chassis.gunicorn_defaults import defaults
from payments.settings import Settings

globals().update(defaults("payments", Settings))
