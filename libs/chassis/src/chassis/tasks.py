"""Tasks: what a worker runs side by side."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

import psycopg

from chassis import context
from chassis.broker import BROKER_ERRORS, Broker
from chassis.errors import Unavailable
from chassis.stopping import Stop

RESTART_SECONDS = (0.1, 2.0)
# What fails because something else is down, and is told in one line.
_OUTAGES = (Unavailable, psycopg.OperationalError, *BROKER_ERRORS)
log = logging.getLogger(__name__)


class Task(Protocol):
    """Something a worker runs. `run` returns soon after a stop is asked for, with the work in hand finished;
    when it raises it is run again after a pause."""

    name: str

    async def run(self, broker: Broker, stop: Stop) -> None: ...


class Every:
    """Call something again and again, in a thread, with a pause between; an error is logged and the next call
    comes.

    Every replica of a worker does so: the callable must bear others at its side.
    """

    def __init__(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        """Take the pause in `seconds`."""
        self.name = name
        self._seconds = seconds
        self._work = work

    async def run(self, broker: Broker, stop: Stop) -> None:
        """Go on until a stop is asked for."""
        while not stop.asked:
            await asyncio.to_thread(self._once)
            await stop.pause(self._seconds)

    def _once(self) -> None:
        with context.use(context.RequestContext()):
            try:
                self._work()
            except Exception:  # the outermost boundary of this work: the next call is its retry
                log.exception("periodic work failed", extra={"task": self.name})


async def keep_running(task: Task, broker: Broker, stop: Stop) -> None:
    """Run a task until a stop is asked for; when it fails, again after 0.1 s, then twice as long each time,
    to 2 s."""
    shortest, longest = RESTART_SECONDS
    pause = shortest
    while not stop.asked:
        began_at = time.monotonic()
        try:
            await task.run(broker, stop)
        except _OUTAGES as error:
            log.warning("task waits: %s: %s", type(error).__name__, error, extra={"task": task.name})
        except Exception:  # the outermost boundary of a task: it is run again
            log.exception("task failed", extra={"task": task.name})
        if time.monotonic() - began_at > longest:
            pause = shortest
        await stop.pause(pause)
        pause = min(pause * 2, longest)
