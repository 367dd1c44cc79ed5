"""Whether an instance is asked: left alone after failures in a row, looked at after a pause, then tried again."""

import random
import time
from collections.abc import Callable

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"
REFUSED, SILENT, LOST = "connection refused", "no connection", "connection lost"
_NOBODY = (REFUSED, SILENT)  # which a look at it can refute
_JITTER = 0.2
_TRIAL_SECONDS = 0.2


class Breaker:
    """Opens after `failures` in a row, for `pause_seconds`, twice as long each time until an answer comes, at most
    `longest_seconds`; `on_change` is called with the state it had and why it left it.

    `unproven` while the next answer is news to it; `trying` while the one request of the half-open state is out.
    """

    def __init__(
        self,
        *,
        failures: int,
        pause_seconds: float,
        longest_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.state = CLOSED
        self.unproven = False
        self.trying = False
        self.on_change: Callable[[str, str], None] = lambda before, why: None
        self._limit = failures
        self._pause_seconds = pause_seconds
        self._longest_seconds = longest_seconds
        self._monotonic = monotonic
        self._chance = chance
        self._failures = 0
        self._pauses = 0
        self._until = self._tried_at = 0.0
        self._why = ""

    def succeeded(self) -> None:
        """An answer came."""
        self._failures = self._pauses = 0
        self.unproven = self.trying = False
        self._become(CLOSED, "it answers")

    def failed(self, why: str) -> None:
        """A request went wrong because of the instance."""
        self._failures += 1
        self.unproven = True
        if self.state == HALF_OPEN or (self.state == CLOSED and self._failures >= self._limit):
            self._open(why)

    def abandoned(self) -> None:
        """A request ended without saying anything about the instance: another may be the trial."""
        if self.trying:
            self.trying = False
            self.on_change(self.state, "the trial was abandoned")

    def unreachable(self, why: str) -> None:
        """Looks at it found nobody there, again and again: it was REFUSED or SILENT."""
        self._open(why)

    def reachable(self, *, alone: bool = False) -> None:
        """A look at it found it there: it is asked again, at once if that was in doubt, else when the pause is over and
        by one request first. Where there is nobody else, `alone`, no pause is waited for."""
        if self.state != OPEN:
            return
        if self._why in _NOBODY or (alone and self._why == LOST):
            self._become(CLOSED, "it can be reached")
        elif alone or self.wait_seconds() <= 0:
            self._become(HALF_OPEN, "it can be reached")

    @property
    def last_resort(self) -> bool:
        """Whether it may be asked where there is nobody else: to be refused costs nothing, and a trial that takes long
        keeps nobody else out."""
        if self.state == OPEN:
            return self._why == REFUSED
        return self.state == HALF_OPEN and self._monotonic() - self._tried_at >= _TRIAL_SECONDS

    def wait_seconds(self) -> float:
        """Return how long it is still to be left alone."""
        return max(0.0, self._until - self._monotonic()) if self.state == OPEN else 0.0

    def try_once(self) -> None:
        """The next request is the trial of the half-open state."""
        self._tried_at = self._monotonic()
        self.trying = True
        self.on_change(self.state, "it is tried")

    def _open(self, why: str) -> None:
        pause = 0.0 if why in _NOBODY else min(self._pause_seconds * 2**self._pauses, self._longest_seconds)
        self._until = self._monotonic() + pause * (1 + _JITTER * (2 * self._chance() - 1))
        if 0 < pause < self._longest_seconds:
            self._pauses += 1
        self._failures = 0
        self._why = why
        self.unproven, self.trying = True, False
        self._become(OPEN, why)

    def _become(self, state: str, why: str) -> None:
        before, self.state = self.state, state
        if before != state:
            self.on_change(before, why)
