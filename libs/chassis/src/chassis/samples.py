"""Samples: what is looked at once a second beside the requests, so that measuring costs them nothing."""

import threading
from collections.abc import Callable

from prometheus_client import Gauge

INTERVAL_SECONDS = 1.0
CLOSE_SECONDS = 1.0


class Level:
    """The share that one thing has in a gauge; several in a process add up."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._told = 0

    def tell(self, now: int) -> None:
        """Tell how much it is now."""
        if now != self._told:
            self._gauge.inc(now - self._told)
            self._told = now


class Sampler:
    """Calls `look` again and again until it is closed, then `at_end`, in a thread: a greenlet where threads are
    such. To be made in the process that it is to look at, not before a fork."""

    def __init__(
        self,
        look: Callable[[], object],
        *,
        at_end: Callable[[], object],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._look = look
        self._at_end = at_end
        self._interval_seconds = interval_seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more, and wait up to a second for the end of it."""
        self._closed.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._closed.wait(self._interval_seconds):
            self._look()
        self._at_end()
