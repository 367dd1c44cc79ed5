"""The witness's gunicorn.conf.py: that of every service."""

from chassis.gunicorn_defaults import defaults

globals().update(defaults("witness"))
