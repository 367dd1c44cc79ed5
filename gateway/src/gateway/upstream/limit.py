"""How many requests a service takes at once before they only queue in it: learnt from how long its answers take.

By Little's law the requests that are being worked on are as many as end in a second times the time one takes without a
queue. What is in flight beyond that waits, and makes all others wait (Netflix' concurrency-limits, TCP Vegas).
"""

import math
import time
from collections.abc import Callable

_WINDOW_SECONDS = 0.1
_LEAST_SAMPLES = 10
_OLDEST_SECONDS = 5.0
_SLACK_SECONDS = 0.003  # what a busy machine adds to a short answer
_OVERLOADED = 2.0  # times the usual time: from here on it is lowered
_CONGESTED = 1.5  # ... and lowered further
_FREE = 1.25  # ... and raised again
_HEADROOM = 1.3
_PATIENCE_SECONDS = 2.0  # a burst passes by itself; the slower the answers, the less is waited for that
_PATIENCE_WINDOWS = 4
_LEAST = 32  # who has no more than these in hand is refused nothing, however long they take
_SMALL_STEP = 0.9
_BIG_STEP = 0.7  # one after which it must show whether it helped
_FALL, _RISE = 0.05, 0.02  # of the difference, for each window
_LEAST_PROOFS = 5
_SPAN = 2.0
_SLOWEST_STEP = 3
_FIRST_LOOKS = 10
_CALM_SECONDS = 1.0


class _Times:
    """The times of one kind of request: those since the last look, and the usual one, long-term."""

    __slots__ = ("looks", "since", "times", "usual")

    def __init__(self, now: float) -> None:
        self.times: list[float] = []
        self.since = now
        self.usual = 0.0
        self.looks = 0

    def median(self) -> float:
        return sorted(self.times)[len(self.times) // 2]

    def learn(self, median: float, *, calm: bool) -> None:
        """Bring what is usual nearer to this; upwards, once there were enough looks, only while it is `calm`."""
        self.looks += 1
        if self.looks < _FIRST_LOOKS:
            self.usual += (median - self.usual) / self.looks
        elif median < self.usual:
            self.usual += (median - self.usual) * _FALL
        elif calm:
            self.usual += (median - self.usual) * _RISE


class Limit:
    """`allowed` requests may be in flight, `most` at most and 32 at least. It is lowered when all answers take longer
    than usual for longer than a burst, and only for as long as that makes them quicker: who is slow by nature stays so,
    and is not helped by being asked less."""

    def __init__(
        self,
        most: int,
        *,
        on_change: Callable[[int], None] = lambda allowed: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.allowed = most
        self._on_change = on_change
        self._most = most
        self._least = min(_LEAST, most)
        self._monotonic = monotonic
        self._kinds: dict[object, _Times] = {}
        self._look_at = 0.0
        self._changed_at = float("-inf")
        self._congested: tuple[float, int] | None = None  # since when, and windows
        self._refused_at = float("-inf")
        self._before = 0.0  # how congested it was when the limit was lowered, until that is proven right

    @property
    def engaged(self) -> bool:
        """Whether it is lower than it could be."""
        return self.allowed < self._most

    def observe(self, kind: object, began: float, now: float) -> None:
        """An answer came, or did not in time, to a request of this kind."""
        if began < self._changed_at:
            return  # it tells about the limit before
        times = self._kinds.get(kind)
        if times is None:
            times = self._kinds[kind] = _Times(began)
        times.times.append(now - began)
        if now >= self._look_at:
            self._look_at = now + _WINDOW_SECONDS
            self._look(now)

    def reset(self) -> None:
        """Nothing is in flight: whatever there was is over, unless it has just been refused."""
        now = self._monotonic()
        if now >= self._refused_at + _CALM_SECONDS:
            self._give_up(now)

    def refused(self) -> None:
        """A request was refused because of it."""
        self._refused_at = self._monotonic()

    def _look(self, now: float) -> None:
        count = needed = ratios = 0.0
        seen = []
        for times in self._kinds.values():
            number = len(times.times)
            if number < (_LEAST_PROOFS if self._before else _LEAST_SAMPLES):
                if now - times.since > _OLDEST_SECONDS:
                    times.times, times.since = [], now
                continue
            median = times.median()
            if (self._before or not times.usual) and now - times.since < _SPAN * median:
                continue  # those that end first are the quick ones
            usual = times.usual = times.usual or median
            ratios += number * (median / (usual + _SLACK_SECONDS))
            needed += number * (usual + _SLACK_SECONDS) / max(now - times.since, _WINDOW_SECONDS)
            count += number
            seen.append((times, median))
            times.times, times.since = [], now
        if count:
            self._decide(now, ratios / count, needed, seen)

    def _decide(self, now: float, ratio: float, needed: float, seen: list[tuple[_Times, float]]) -> None:
        if self._before and ratio > (self._before + _HEADROOM) / 2:
            for times, median in seen:  # fewer requests are no quicker: this is how long it takes now
                times.usual = median
            self._give_up(now)
            return
        self._before = 0.0
        for times, median in seen:
            times.learn(median, calm=ratio < _FREE and not self.engaged)
        if ratio < (_CONGESTED if self.engaged else _OVERLOADED):
            self._congested = None
            if ratio < _FREE and self.engaged:
                self.allowed = min(self._most, self.allowed + max(1, self.allowed // 10))
                self._on_change(self.allowed)
            return
        since, windows = self._congested or (now, 0)
        self._congested = since, windows + 1
        target = max(self._least, math.ceil(needed * max(_HEADROOM, ratio / _SLOWEST_STEP)))
        if self.engaged and ratio < _OVERLOADED:
            target = max(target, math.floor(self.allowed * _SMALL_STEP))
        patience = _PATIENCE_SECONDS * _OVERLOADED / ratio
        patient = now - since >= patience and windows >= _PATIENCE_WINDOWS
        if target < self.allowed and (patient or self.engaged):
            big = target < self.allowed * _BIG_STEP
            self._set(target, now)
            self._before = ratio if big else 0.0

    def _give_up(self, now: float) -> None:
        self._set(self._most, now)
        self._congested = None

    def _set(self, allowed: int, now: float) -> None:
        self.allowed = allowed
        self._on_change(allowed)
        self._changed_at = now
        self._before = 0.0
        for times in self._kinds.values():
            times.times, times.since = [], now
