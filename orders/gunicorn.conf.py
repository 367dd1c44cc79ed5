"""gunicorn's settings: the chassis' for every service."""

from chassis.gunicorn_defaults import defaults
from orders.settings import Settings

globals().update(defaults("orders", Settings))
