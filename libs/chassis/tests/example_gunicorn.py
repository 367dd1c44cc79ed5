"""The example's gunicorn.conf.py."""

from chassis.gunicorn_defaults import defaults

globals().update(defaults("boxes"))
