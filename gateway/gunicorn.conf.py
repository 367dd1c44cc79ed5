"""gunicorn's settings: the chassis' for every service, with a worker of our own and a second address."""

from chassis.gunicorn_defaults import defaults

globals().update(defaults("gateway"))

from chassis.settings import load_or_exit  # noqa: E402  # after the standard library has been made cooperative
from gateway.settings import PREFIX, Settings  # noqa: E402

_settings = load_or_exit(Settings, PREFIX)

bind = [_settings.bind, _settings.admin_bind]
worker_class = "gateway.worker.GatewayWorker"
