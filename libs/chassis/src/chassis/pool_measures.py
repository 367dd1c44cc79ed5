"""What of a process's pool of connections is measured."""

from collections.abc import Callable, Mapping

from prometheus_client import Counter, Gauge

from chassis.samples import Level

_connections = Gauge(
    "db_pool_connections",
    "Connections to the database: in_use by a request, idle",
    ("state",),
    multiprocess_mode="livesum",
)
_limit = Gauge("db_pool_connections_max", "Connections that there may be", multiprocess_mode="livesum")
_waiting = Gauge(
    "db_pool_waiting_requests", "Requests that wait for a connection", multiprocess_mode="livesum"
)
_waits = Counter("db_pool_waits", "Times that a request had to wait for a connection")
_wait_seconds = Counter("db_pool_wait_seconds", "How long requests waited for a connection, all together")
_timeouts = Counter("db_pool_timeouts", "Times that a request waited for a connection in vain")


class PoolMeasures:
    """Tells the metrics of one pool, by what it says of itself (psycopg_pool's `get_stats`)."""

    def __init__(self, stats: Callable[[], Mapping[str, int]]) -> None:
        self._stats = stats
        self._in_use = Level(_connections.labels("in_use"))
        self._idle = Level(_connections.labels("idle"))
        self._limit = Level(_limit)
        self._waiting = Level(_waiting)
        # The pool leaves out what never happened.
        self._seen = {"requests_queued": 0, "requests_wait_ms": 0, "requests_errors": 0}

    def look(self) -> None:
        """Tell what the pool is like now."""
        stats = self._stats()
        size, idle = stats["pool_size"], stats["pool_available"]
        self._in_use.tell(size - idle)
        self._idle.tell(idle)
        self._limit.tell(stats["pool_max"])
        self._waiting.tell(stats["requests_waiting"])
        _waits.inc(self._more(stats, "requests_queued"))
        _wait_seconds.inc(self._more(stats, "requests_wait_ms") / 1000)
        _timeouts.inc(self._more(stats, "requests_errors"))

    def forget(self) -> None:
        """Tell that the pool is gone."""
        for level in (self._in_use, self._idle, self._limit, self._waiting):
            level.tell(0)

    def _more(self, stats: Mapping[str, int], name: str) -> int:
        before, self._seen[name] = self._seen[name], stats.get(name, self._seen[name])
        return self._seen[name] - before
