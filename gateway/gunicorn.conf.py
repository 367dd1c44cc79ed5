"""gunicorn's settings: the chassis' for every service, with a worker of our own and a second address."""

from chassis.gunicorn_defaults import defaults
from chassis.settings import load_or_exit
from gateway.settings import PREFIX, Settings

globals().update(defaults("gateway", Settings))
_settings = load_or_exit(Settings, PREFIX)
bind = [_settings.bind, _settings.admin_bind]
worker_class = "gateway.worker.GatewayWorker"
reuse_port = _settings.share_port


def when_ready(arbiter):
    """Read the routes again on HUP, where gunicorn would start new processes and end the old ones."""
    arbiter.handle_hup = arbiter.app.wsgi().extensions["gateway"].current.reload
