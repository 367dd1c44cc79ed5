"""The connections of a process: a pool for each pid, bounded waits, failures in the service's words."""

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import orjson
import psycopg
from psycopg import errors as sql
from psycopg.abc import PQGen
from psycopg.pq import PGconn, TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from chassis import context
from chassis.errors import DeadlineExceeded, Unavailable
from chassis.samples import Sampler
from chassis.sql_spans import WatchedConnection

if TYPE_CHECKING:
    from chassis.greenlet_wait import GreenletWait

# What a reply may take beyond the server's own statement timeout before the server counts as frozen.
REPLY_GRACE_SECONDS = 1.0
# How long requests wait out an outage from its beginning, and how often connecting is tried in a longer one.
PATIENCE_SECONDS = 2.0
RECONNECT_SECONDS = 1.0
RV = TypeVar("RV")
_log = logging.getLogger(__name__)


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database cannot be reached"


class DatabaseBusy(Unavailable):
    code = "database_busy"
    title = "The database has too much to do"


class PoolSettings(Protocol):
    """The settings a pool reads; chassis.settings.ServiceSettings has them."""

    db_pool_min_size: int
    db_pool_max_size: int
    db_pool_timeout_seconds: float
    db_statement_timeout_seconds: float


class Outage:
    """Whether connecting fails at present. A short outage, such as a restart, is waited for; in a longer one nobody
    waits, but for one attempt a second."""

    def __init__(self) -> None:
        self.cause: psycopg.OperationalError | None = None
        self._began_at = 0.0
        self._seen_at = 0.0

    def seen(self, cause: psycopg.OperationalError) -> None:
        self._seen_at = time.monotonic()
        if self.cause is None:
            self._began_at = self._seen_at
        self.cause = cause

    def ended(self) -> None:
        self.cause = None

    def forbids_waiting(self) -> bool:
        now = time.monotonic()
        return (
            self.cause is not None
            and now - self._began_at > PATIENCE_SECONDS
            and now - self._seen_at < RECONNECT_SECONDS
        )


class BoundedConnection(WatchedConnection):
    """A connection that waits a bounded time for each reply: statement_timeout is of no use in a frozen
    server."""

    reply_timeout_seconds: float
    greenlet_wait: "GreenletWait | None" = None

    @classmethod
    def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, reply_timeout_seconds: float, outage: Outage, **options: Any
    ) -> "BoundedConnection":
        try:
            conn = super().connect(conninfo, **options)
        except psycopg.OperationalError as error:
            outage.seen(error)
            raise
        outage.ended()
        conn.reply_timeout_seconds = reply_timeout_seconds
        set_json_loads(orjson.loads, conn)
        conn.greenlet_wait = _greenlet_wait(conn.pgconn)
        return conn  # type: ignore[return-value]

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            if timeout is None and self.greenlet_wait is not None:
                return self.greenlet_wait(gen, self.reply_timeout_seconds)
            return super().wait(gen, interval, self.reply_timeout_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise


class Pool:
    """A pool of connections in autocommit mode with rows as dicts, opened at first use in each process."""

    def __init__(self, conninfo: str, settings: PoolSettings) -> None:
        self._conninfo = conninfo
        self._settings = settings
        self._outage = Outage()
        self._opening = threading.Lock()
        self._pools: dict[int, ConnectionPool[BoundedConnection]] = {}
        self._samplers: dict[int, Sampler] = {}

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """Lend a connection for a block; whatever transaction is still open at its end is rolled back.

        Raises DatabaseBusy (no connection in time, deadlock), DatabaseUnavailable, DeadlineExceeded
        (statement too slow, or the request's time used up).
        """
        pool = self._of_this_process()
        with translated_errors():
            conn = self._checkout(pool)
            request = context.active()
            if request is not None and request.spans is not None:
                conn.watch(request)
            try:
                yield conn
            finally:
                if conn.request is not None:
                    conn.watch(None)
                pool.putconn(conn)

    def close(self) -> None:
        """Close this process's connections."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            self._samplers.pop(os.getpid()).close()
            pool.close()

    def _checkout(self, pool: ConnectionPool[BoundedConnection]) -> BoundedConnection:
        # Not the pool's own check callback: it sleeps a second after each broken connection it meets, and
        # after a restart of the server they all are.
        request = context.active()
        timeout = self._settings.db_pool_timeout_seconds
        if request is not None:
            timeout = min(timeout, request.remaining_seconds())
        while True:
            if self._outage.forbids_waiting() and not pool.get_stats()["pool_available"]:
                raise DatabaseUnavailable(retry_after_seconds=1) from self._outage.cause
            try:
                conn = pool.getconn(timeout)
            except PoolTimeout as error:
                if self._outage.cause is not None:
                    raise DatabaseUnavailable(retry_after_seconds=1) from self._outage.cause
                raise DatabaseBusy(retry_after_seconds=1) from error
            if is_connected(conn):
                return conn
            pool.putconn(conn)

    def _of_this_process(self) -> ConnectionPool[BoundedConnection]:
        pid = os.getpid()
        pool = self._pools.get(pid)
        if pool is None:
            with self._opening:
                # A parent's pool stays referenced: closing it here would end the parent's sessions.
                pool = self._pools.get(pid) or self._pools.setdefault(pid, self._open())
                # Not left to the interpreter's end: by then the pool waits 10 s for threads that are frozen.
                atexit.register(self.close)
        return pool

    def _open(self) -> ConnectionPool[BoundedConnection]:
        settings = self._settings
        pool = ConnectionPool(
            self._conninfo,
            connection_class=BoundedConnection,
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "reply_timeout_seconds": settings.db_statement_timeout_seconds + REPLY_GRACE_SECONDS,
                "outage": self._outage,
            },
            min_size=settings.db_pool_min_size,
            max_size=settings.db_pool_max_size,
            reconnect_timeout=RECONNECT_SECONDS,
            num_workers=1,
            open=True,
        )
        from chassis.pool_measures import PoolMeasures  # who opens no pool shows no metrics of one

        measures = PoolMeasures(pool.get_stats)
        self._samplers[os.getpid()] = Sampler(measures.look, at_end=measures.forget)
        return pool


def is_connected(conn: psycopg.Connection[Any]) -> bool:
    """Tell without a round trip whether an idle connection is still open: the server's farewell or the end of
    file would be waiting on its socket (two recv(), 1 microsecond). A silent server is not noticed."""
    try:
        # The first reads the farewell, if any; only the second meets the end of file behind it.
        conn.pgconn.consume_input()
        conn.pgconn.consume_input()
    except psycopg.OperationalError:
        conn.close()
    return not conn.closed


def _greenlet_wait(pgconn: PGconn) -> "GreenletWait | None":
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("select"):
        return None  # threads and workers wait as psycopg does, and do without gevent
    from chassis.greenlet_wait import GreenletWait

    return GreenletWait(pgconn)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what PostgreSQL says about its own state into what a client may know about it."""
    try:
        yield
    except sql.QueryCanceled as error:
        raise DeadlineExceeded() from error
    except (sql.DeadlockDetected, sql.SerializationFailure, sql.LockNotAvailable) as error:
        raise DatabaseBusy(retry_after_seconds=1) from error
    except sql.DiskFull as error:
        _log.error("the disk of the database is full: %s", error.diag.message_primary)
        raise DatabaseUnavailable(retry_after_seconds=1) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(retry_after_seconds=1) from error
