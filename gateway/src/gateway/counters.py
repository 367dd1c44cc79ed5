"""Counters in the memory of this process: a storage of the library `limits`."""

import time
from collections.abc import Callable
from math import floor
from typing import NamedTuple

from limits.storage import SlidingWindowCounterSupport, Storage

from gateway.remembered import Remembered


class _Count(NamedTuple):
    amount: int
    until: float


class OwnCounters(Storage, SlidingWindowCounterSupport):
    """Counts as the library's own memory does, but at most so many counters, and without its thread that walks
    through all of them up to a hundred times a second."""

    STORAGE_SCHEME = None

    def __init__(self, most: int = 100_000, *, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._counts: Remembered[_Count] = Remembered(most)
        self._now = now

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What may go wrong here: nothing that the library would have to translate."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter that begins anew so many seconds after its first; return what it is then."""
        count = self._find(key) or _Count(0, self._now() + expiry)
        self._counts.put(key, _Count(count.amount + amount, count.until))
        return count.amount + amount

    def get(self, key: str) -> int:
        """Return what a counter is."""
        count = self._find(key)
        return count.amount if count is not None else 0

    def get_expiry(self, key: str) -> float:
        """Return when a counter begins anew; now, if it has not begun."""
        count = self._find(key)
        return count.until if count is not None else self._now()

    def clear(self, key: str) -> None:
        """Let a counter begin anew."""
        self._counts.drop(key)

    def check(self) -> bool:
        """Tell that this storage can be used."""
        return True

    def reset(self) -> int:
        """Forget all counters; return how many there were."""
        forgotten, self._counts = len(self._counts), Remembered(self._counts.most)
        return forgotten

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Add to this window's counter, unless that and its share of the window before are over the limit."""
        before, left, current, _ = self.get_sliding_window(key, expiry)
        if floor(before * left / expiry + current) + amount > limit:
            return False
        self.incr(self._window(key, expiry), 2 * expiry, amount)
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the count of the window before, the seconds in which it fades, and the same of this window."""
        passed = self._now() % expiry
        before, current = self.get(self._window(key, expiry, -1)), self.get(self._window(key, expiry))
        return before, expiry - passed, current, 2 * expiry - passed

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Let both windows begin anew."""
        self.clear(self._window(key, expiry, -1))
        self.clear(self._window(key, expiry))

    def _find(self, key: str) -> _Count | None:
        count = self._counts.get(key)
        if count is None or count.until > self._now():
            return count
        self._counts.drop(key)
        return None

    def _window(self, key: str, expiry: int, shift: int = 0) -> str:
        return f"{key}@{int(self._now() // expiry) + shift}"
