"""Tasks: what a worker runs side by side."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from chassis import context
from chassis.broker import Broker
from chassis.stopping import Stop

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
