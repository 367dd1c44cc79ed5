"""A circuit breaker: a peer that keeps failing is left alone for a while, then tried with one call at a time.

Our own, since pybreaker 1.4 holds its lock during the call, which lets one call at a time through to a
healthy peer, and measures its pause with the wall clock.
"""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens after `failures` in a row; after `pause_seconds` lets one trial through, which closes it or opens
    it again.

    Ask `wait_seconds` before each call and tell the outcome with `succeeded`, `failed` or `abandoned` (a call
    that says nothing about the peer). Nothing is held in between.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        pause_seconds: float = 2.0,
        trial_seconds: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._trial_seconds = trial_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = float("-inf")  # closed to callers: while open, and while a trial is on its way

    def wait_seconds(self) -> float:
        """Return 0 if a call may be made now, or the seconds until it is worth asking again."""
        with self._lock:
            if self._failures < self._limit:
                return 0.0
            wait = self._closed_until - self._monotonic()
            if wait <= 0:
                # The caller is the trial; one that never tells its outcome does not keep the breaker open for good.
                self._closed_until = self._monotonic() + self._trial_seconds
            return max(0.0, wait)

    @property
    def open(self) -> bool:
        """Whether the peer is left alone, but for a trial."""
        return self._failures >= self._limit

    def succeeded(self) -> None:
        """The peer answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """The peer failed: it could not be reached, took too long, or said that it cannot serve."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._closed_until = self._monotonic() + self._pause_seconds

    def abandoned(self) -> None:
        """The call ended without saying anything about the peer: the next caller may be the trial."""
        with self._lock:
            if self._failures >= self._limit:
                self._closed_until = self._monotonic()
