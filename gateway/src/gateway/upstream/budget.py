"""How much may be sent once more: a share of what is sent, so that retries never make a bad moment worse."""

import time
from collections.abc import Callable

_SHARE = 0.1
_MOST = 100.0
_FIRST = 10.0
_FLOOR_SECONDS = 1.0


class RetryBudget:
    """A bucket that each request fills by a tenth of what a retry takes out; one retry a second goes even so."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._left = _FIRST
        self._free_at = 0.0

    def earn(self) -> None:
        """A request is sent."""
        if self._left < _MOST:
            self._left += _SHARE

    def spend(self) -> bool:
        """Take out one retry; false: there is none left."""
        if self._left >= 1:
            self._left -= 1
            return True
        now = self._monotonic()
        if now < self._free_at:
            return False
        self._free_at = now + _FLOOR_SECONDS
        return True
