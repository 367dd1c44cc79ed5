"""Counters that all processes share in Redis, with this process's own memory for the time that it does not answer."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import gevent
from gevent.lock import BoundedSemaphore
from limits.storage import RedisStorage, SlidingWindowCounterSupport, Storage
from prometheus_client import Gauge
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.retry import Retry

from gateway.counters import OwnCounters

T = TypeVar("T")

_log = logging.getLogger(__name__)
_alone = Gauge(
    "gateway_counting_alone",
    "Processes that count rates and sign-ins in their own memory, because Redis does not answer",
    multiprocess_mode="livesum",
)
_LATE = object()


class RedisAway(Exception):
    """Redis does not answer, or did not just now."""


class Redis:
    """The one connection of this process to Redis. Whoever finds it away waits half of `timeout_seconds` for a turn and
    half for the answer at most; then nobody asks it for `pause_seconds`."""

    def __init__(
        self,
        storage: Storage,
        *,
        timeout_seconds: float,
        pause_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._seconds = timeout_seconds / 2
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._turn = BoundedSemaphore(1)
        self._not_before = float("-inf")
        self._lost = False

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        timeout_seconds: float,
        pause_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> "Redis":
        """Return the Redis at an address; it is not looked at before something is asked."""
        storage = RedisStorage(
            url,
            key_prefix="souk:gateway",
            max_connections=1,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            # A connection that was closed while nobody used it: the next one is as good.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
        )
        return cls(storage, timeout_seconds=timeout_seconds, pause_seconds=pause_seconds, monotonic=monotonic)

    def ask(self, question: Callable[[Storage], T]) -> T:
        """Return what Redis answers. Raises RedisAway."""
        if self._monotonic() < self._not_before or not self._turn.acquire(timeout=self._seconds):
            raise RedisAway()
        try:
            return self._ask(question)
        finally:
            self._turn.release()

    def _ask(self, question: Callable[[Storage], T]) -> T:
        if self._monotonic() < self._not_before:
            raise RedisAway()  # the one before has found out
        if self._lost:
            self._pause()  # this one tries, and nobody waits for it
        try:
            answer = gevent.with_timeout(self._seconds, question, self._storage, timeout_value=_LATE)
        except (RedisError, OSError) as failure:
            self._lose(f"{type(failure).__name__}: {failure}")
            raise RedisAway() from failure
        if answer is _LATE:
            self._lose(f"no answer within {self._seconds} s")
            raise RedisAway()
        self._find()
        return answer  # type: ignore[no-any-return]

    def _pause(self) -> None:
        self._not_before = self._monotonic() + self._pause_seconds

    def _lose(self, cause: str) -> None:
        self._pause()
        if not self._lost:
            self._lost = True
            _alone.set(1)
            _log.warning("Redis does not answer: this process counts alone", extra={"cause": cause})

    def _find(self) -> None:
        if self._lost:
            self._lost, self._not_before = False, float("-inf")
            _alone.set(0)
            _log.info("Redis answers again: all processes count together")


class SharedCounters(Storage, SlidingWindowCounterSupport):
    """Counts in Redis, and in this process's own memory while that is away."""

    STORAGE_SCHEME = None

    def __init__(self, redis: Redis, own: OwnCounters) -> None:
        super().__init__()
        self._redis = redis
        self._own = own

    @property
    def base_exceptions(self) -> type[Exception]:
        """What may go wrong here: nothing, as there is always the own memory."""
        return RedisAway

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter that begins anew so many seconds after its first; return what it is then."""
        return self._ask(lambda counters: counters.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        """Return what a counter is."""
        return self._ask(lambda counters: counters.get(key))

    def get_expiry(self, key: str) -> float:
        """Return when a counter begins anew; now, if it has not begun."""
        return self._ask(lambda counters: counters.get_expiry(key))

    def clear(self, key: str) -> None:
        """Let a counter begin anew."""
        self._ask(lambda counters: counters.clear(key))

    def check(self) -> bool:
        """Tell that this storage can be used."""
        return True

    def reset(self) -> int | None:
        """Forget all counters; return how many there were."""
        return self._ask(lambda counters: counters.reset())

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Add to this window's counter, unless that and its share of the window before are over the limit."""
        return self._ask(
            lambda counters: counters.acquire_sliding_window_entry(key, limit, expiry, amount)  # type: ignore[attr-defined]
        )

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the count of the window before, the seconds in which it fades, and the same of this window."""
        return self._ask(lambda counters: counters.get_sliding_window(key, expiry))  # type: ignore[attr-defined]

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Let both windows begin anew."""
        self._ask(lambda counters: counters.clear_sliding_window(key, expiry))  # type: ignore[attr-defined]

    def _ask(self, question: Callable[[Storage], T]) -> T:
        try:
            return self._redis.ask(question)
        except RedisAway:
            return question(self._own)
