"""How gunicorn serves the sandbox; `python -m sandbox` reads this."""

from chassis import logs
from chassis.settings import load_or_exit
from sandbox.settings import Settings

settings = load_or_exit(Settings, "SANDBOX_")
logs.configure("sandbox", settings.log_level)

bind = settings.bind
proc_name = "souk-sandbox"
workers = 1  # one process settles and sends; a second one would only do the same twice
worker_class = "gthread"
threads = 128  # each silent or slow payment holds one
keepalive = 75
graceful_timeout = 5
forwarded_allow_ips = ""
control_socket_disable = True
logger_class = "chassis.gunicorn_worker.JsonLogger"
loglevel = settings.log_level.lower()
