"""gunicorn's settings for every service, from its environment; the whole of a service's gunicorn.conf.py.

    from chassis.gunicorn_defaults import defaults
    from <service>.settings import Settings

    globals().update(defaults("<service>", Settings))

This module is imported before the app: it imports nothing that opens sockets or reads
PROMETHEUS_MULTIPROC_DIR.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chassis import logs
from chassis.environment import with_files
from chassis.settings import ProcessSettings, load_or_exit

KEEPALIVE_SECONDS = 75  # longer than any pooled client keeps an idle connection
_HEARTBEAT_SECONDS = 30
# How the worker class learns what gunicorn has no setting for.
LINGER_VARIABLE, DRAIN_VARIABLE = "CHASSIS_LINGER_SECONDS", "CHASSIS_DRAIN_SECONDS"
PROBE_VARIABLE = "CHASSIS_PROBE_BIND"  # empty, or the last address that is bound


def defaults(
    service: str,
    settings_class: type[ProcessSettings] = ProcessSettings,
    env: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """Return gunicorn's settings for a service; its variables begin with its name in upper case. All of the service's
    own are read here, so that what is wrong with any of them is told at once."""
    prefix = f"{service.upper()}_"
    told, _ = with_files(env, [f"{prefix}WEB_WORKER_CLASS"])
    patch_for(told.get(f"{prefix}WEB_WORKER_CLASS") or "gevent")  # first: the checks of settings import much
    settings = load_or_exit(settings_class, prefix, env)
    logs.configure(service, settings.log_level, release=settings.release)
    own_folder = clear_metrics(settings.metrics_dir, service)
    linger, drain = settings.shutdown_linger_seconds, settings.shutdown_drain_seconds
    return {
        "bind": [settings.bind, *([settings.probe_bind] if settings.probe_bind else [])],
        "workers": settings.web_processes,
        "worker_class": "chassis.gunicorn_worker.Worker",
        "worker_connections": settings.web_connections,
        "preload_app": True,  # half the memory; pools and threads start at first use, after the fork
        "keepalive": KEEPALIVE_SECONDS,
        "timeout": _HEARTBEAT_SECONDS,
        "graceful_timeout": int(linger + drain) + 2,
        "raw_env": [
            f"{LINGER_VARIABLE}={linger}",
            f"{DRAIN_VARIABLE}={drain}",
            f"{PROBE_VARIABLE}={settings.probe_bind}",
        ],
        "backlog": 2048,
        # A peer on this machine is no proxy: nobody's headers change the scheme, path or address.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        "secure_scheme_headers": {},
        "control_socket_disable": True,
        "limit_request_line": 8190,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "logger_class": "chassis.gunicorn_worker.JsonLogger",
        "proc_name": f"souk-{service}",
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108  # a heartbeat must not wait for a disk
        "pre_fork": keep_shared,
        "child_exit": child_exit,
        "on_exit": lambda _: shutil.rmtree(own_folder, ignore_errors=True) if own_folder else None,
    }


def clear_metrics(folder: str, service: str) -> str | None:
    """Point prometheus_client at an empty folder of this service. Return it if it was made here and is to be
    removed at the end: the counters of processes that are gone would otherwise be added for ever."""
    made = None if folder else tempfile.mkdtemp(prefix=f"souk-{service}-metrics-")
    path = Path(folder or str(made))
    path.mkdir(parents=True, exist_ok=True)
    for old in path.glob("*.db"):
        old.unlink(missing_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(path)
    return made


def patch_for(worker_class: str) -> None:
    """Make the standard library cooperative for gevent, before anything else is imported from it."""
    if worker_class == "gevent":
        from gevent import monkey

        monkey.patch_all()


def keep_shared(_: Any, worker: Any) -> None:
    """Take what the app has loaded out of the garbage collector's hands: its search writes to each object, and each
    page written to is one that the processes share no more (gunicorn hook, in the arbiter)."""
    gc.freeze()


def child_exit(_: Any, worker: Any) -> None:
    """Take the gauges of a process that ended out of the sums (gunicorn hook, in the arbiter)."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
