"""The gunicorn.conf.py of service.py."""

from chassis.gunicorn_defaults import defaults
from chassis.settings import ServiceSettings

globals().update(defaults("boxes", ServiceSettings))
