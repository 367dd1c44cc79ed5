"""The worker: runs a service's tasks side by side until SIGTERM, whatever fails around it."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from chassis import logs, spans
from chassis.broker import Broker
from chassis.health import Readiness
from chassis.probes import AddressUnusable, Probes
from chassis.settings import EXIT_CONFIG, Secret
from chassis.stopping import Stop
from chassis.tasks import Every, Task, keep_running
from chassis.tls_settings import credentials_for

__all__ = ["Every", "Worker", "WorkerSettings"]

# Enough for all handlers and periodic works of a service; threads are made when they are needed.
THREADS = 32
LOOK_SECONDS = 1.0
log = logging.getLogger(__name__)


class WorkerSettings(Protocol):
    """The settings a worker reads; chassis.settings.ServiceSettings has them, and those of TLS."""

    nats_url: str
    nats_replicas: int
    worker_bind: str
    shutdown_drain_seconds: float
    log_level: str
    release: str
    otlp_endpoint: str
    otlp_headers: Secret
    otlp_certificate: str


class Worker:
    """A process of tasks: Relay, Consumer, Every. It answers /livez, /readyz and /metrics on `worker_bind`.

    A task that fails is run again after 0.1 s, then after twice as long each time up to 2 s. The broker may
    be down at the start or at any time: /readyz tells. SIGTERM and SIGINT end it with exit code 0.
    """

    def __init__(
        self, name: str, settings: WorkerSettings, *, checks: Mapping[str, Callable[[], object]] | None = None
    ) -> None:
        """Take the service's name and what of its database readiness depends on: {"database": database.ping}."""
        self._name = name
        self._settings = settings
        tls = credentials_for(settings, name)
        self._broker = Broker(settings.nats_url, client_name=name, tls=tls, replicas=settings.nats_replicas)
        self._tasks: list[Task] = [] if tls is None else [Every("certificates", LOOK_SECONDS, tls.follow)]
        self.readiness = Readiness(release=settings.release)
        for check_name, check in (checks or {}).items():
            self.readiness.register(check_name, check, setting=self._variable("DB_URL"))
        self.readiness.register("broker", self._broker.check, setting=self._variable("NATS_URL"))

    def add(self, task: Task) -> "Worker":
        """Add a task; returns the worker, for the next one."""
        self._tasks.append(task)
        return self

    def run(self) -> None:
        """Run until SIGTERM or SIGINT: unready, no new work, the work in hand finished within the drain's
        bound."""
        logs.configure(self._name, self._settings.log_level, release=self._settings.release)
        try:
            probes = Probes(self._settings.worker_bind, self.readiness)
            asyncio.run(self._run(probes))
        except AddressUnusable as failure:
            log.error("setting refused: %s", self._variable("WORKER_BIND"), extra={"cause": str(failure)})
            sys.exit(EXIT_CONFIG)

    def _variable(self, setting: str) -> str:
        return f"{self._name.upper()}_{setting}"

    async def _run(self, probes: Probes) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        spans.use(spans.open_spans(f"{self._name}-worker", self._settings))
        stop, broker_stop = Stop(), Stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.ask)
        await probes.start()
        log.info("worker started", extra={"tasks": [task.name for task in self._tasks]})
        connection = asyncio.create_task(self._broker.run(broker_stop))
        works = [asyncio.create_task(keep_running(task, self._broker, stop)) for task in self._tasks]
        await stop.wait()
        self.readiness.drain()
        in_time = await self._drain(works)
        broker_stop.ask()
        await asyncio.wait({connection})
        await self._broker.close()
        probes.close()
        log.info("worker stopped", extra={"drained": in_time})
        if not in_time:
            # A thread in the middle of a call cannot be cancelled, and asyncio would wait for it. Whatever it
            # does is a transaction that now rolls back.
            logging.shutdown()
            os._exit(0)

    async def _drain(self, works: list[asyncio.Task[None]]) -> bool:
        if not works:
            return True
        _, late = await asyncio.wait(works, timeout=self._settings.shutdown_drain_seconds)
        for work in late:
            work.cancel()
        return not late
