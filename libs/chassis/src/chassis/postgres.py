"""PostgreSQL: the pool of a process, one transaction at a time, and what its failures mean to a client."""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import orjson
import psycopg
from psycopg import errors as sql
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from chassis import context
from chassis.errors import DeadlineExceeded, Unavailable
from chassis.events import Event
from chassis.ids import new_id
from chassis.presence import Presence, is_connected
from chassis.settings import Secret

OUTBOX_CHANNEL = "outbox"
# What a reply may take beyond the server's own statement timeout before the server counts as frozen, in seconds.
REPLY_GRACE_SECONDS = 1.0
RV = TypeVar("RV")


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database cannot be reached"


class DatabaseBusy(Unavailable):
    code = "database_busy"
    title = "The database has too much to do"


class DatabaseSettings(Protocol):
    """The settings a Database reads; chassis.settings.ServiceSettings has them."""

    db_url: Secret
    db_pool_min_size: int
    db_pool_max_size: int
    db_pool_timeout_seconds: float
    db_statement_timeout_seconds: float
    db_connect_timeout_seconds: int


def constraint_of(error: psycopg.Error) -> str | None:
    """Return the name of the constraint that an error says was violated, if it names one."""
    return error.diag.constraint_name


class Transaction:
    """One open transaction. Services subclass it with their SQL, on `self.conn`, whose rows are dicts."""

    def __init__(self, conn: psycopg.Connection[DictRow], presence: Presence) -> None:
        self.conn = conn
        self.presence = presence
        self.emitted = False

    @cached_property
    def now(self) -> datetime:
        """The transaction's timestamp, aware UTC: the same as now() in its SQL."""
        return self.conn.execute("SELECT now() AS now").fetchone()["now"]  # type: ignore[index]

    def emit(self, event: Event) -> None:
        """Put an event into the outbox: it is published if, and only if, this transaction commits."""
        request = context.current()
        self.conn.execute(
            """
            INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent)
            VALUES (%(id)s, %(type)s, %(aggregate_id)s, %(version)s, %(data)s, %(request_id)s, %(traceparent)s)
            """,
            {
                "id": new_id(),
                "type": event.type,
                "aggregate_id": event.aggregate_id,
                "version": event.version,
                "data": Jsonb(event.data, dumps=_json),
                "request_id": request.request_id,
                "traceparent": request.traceparent,
            },
        )
        self.emitted = True

    def receive(self, event_id: uuid.UUID) -> bool:
        """Note that an event takes effect in this transaction; False if it took effect before."""
        noted = self.conn.execute(
            "INSERT INTO inbox (event_id) VALUES (%s) ON CONFLICT DO NOTHING",
            (event_id,),
        )
        return noted.rowcount == 1


T = TypeVar("T", bound=Transaction)


class Database(Generic[T]):
    """A service's database. Connects nothing until used, and anew in every process after a fork."""

    def __init__(self, settings: DatabaseSettings, transaction_type: type[T] = Transaction) -> None:  # type: ignore[assignment]
        self._settings = settings
        self._transaction_type = transaction_type
        self._options: dict[str, Any] = {
            "connect_timeout": settings.db_connect_timeout_seconds,
            "options": f"-c timezone=UTC -c statement_timeout={_milliseconds(settings.db_statement_timeout_seconds)}",
        }
        self._presence = Presence(settings.db_url.reveal(), **self._options)
        self._opening = threading.Lock()
        self._pools: dict[int, ConnectionPool] = {}

    @contextmanager
    def transaction(self) -> Iterator[T]:
        """Run a block in one transaction: committed at its end, rolled back by an exception.

        Raises DatabaseBusy (no connection in time, deadlock), DatabaseUnavailable, DeadlineExceeded (statement too slow,
        or the request's time used up).
        """
        with self._connection() as conn:
            conn.execute(_begin(self._settings.db_statement_timeout_seconds))
            transaction = self._transaction_type(conn, self._presence)
            yield transaction
            _commit(transaction)

    @contextmanager
    def read(self) -> Iterator[T]:
        """Run single statements without BEGIN and COMMIT: one round trip each instead of three in all, each with a
        snapshot of its own. For reads; raises as `transaction`."""
        with self._connection() as conn:
            yield self._transaction_type(conn, self._presence)

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises Unavailable."""
        with self.read() as one:
            one.conn.execute("SELECT 1")

    def close(self) -> None:
        """Close this process's connections."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()
        self._presence.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        pool = self._pool()
        with _translated_errors():
            conn = self._checkout(pool)
            try:
                with conn:
                    yield conn
            finally:
                pool.putconn(conn)

    def _checkout(self, pool: ConnectionPool) -> psycopg.Connection[DictRow]:
        # Not the pool's own check callback: it sleeps a second after each broken connection it meets, and after a
        # restart of the server they all are.
        request = context.active()
        timeout = self._settings.db_pool_timeout_seconds
        while True:
            conn = pool.getconn(timeout if request is None else min(timeout, request.remaining_seconds()))
            if is_connected(conn):
                return conn
            pool.putconn(conn)

    def _pool(self) -> ConnectionPool:
        pid = os.getpid()
        pool = self._pools.get(pid)
        if pool is None:
            with self._opening:
                # A parent's pool stays referenced: closing it here would end the parent's sessions.
                pool = self._pools.get(pid) or self._pools.setdefault(pid, self._open_pool())
        return pool

    def _open_pool(self) -> ConnectionPool:
        settings = self._settings
        return ConnectionPool(
            settings.db_url.reveal(),
            connection_class=_BoundedConnection,
            kwargs={
                **self._options,
                "autocommit": True,
                "row_factory": dict_row,
                "reply_timeout_seconds": settings.db_statement_timeout_seconds + REPLY_GRACE_SECONDS,
            },
            min_size=settings.db_pool_min_size,
            max_size=settings.db_pool_max_size,
            timeout=settings.db_pool_timeout_seconds,
            reconnect_timeout=1.0,
            num_workers=1,
            open=True,
        )


class _BoundedConnection(psycopg.Connection[DictRow]):
    """A connection that waits a bounded time for each reply, as statement_timeout is of no use in a frozen server."""

    reply_timeout_seconds = 30.0

    @classmethod
    def connect(
        cls, conninfo: str = "", *, reply_timeout_seconds: float, **options: Any
    ) -> "_BoundedConnection":  # type: ignore[override]
        conn = super().connect(conninfo, **options)
        conn.reply_timeout_seconds = reply_timeout_seconds
        return conn

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.reply_timeout_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if timeout is None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy(retry_after_seconds=1) from error
    except sql.QueryCanceled as error:
        raise DeadlineExceeded() from error
    except (
        sql.DeadlockDetected,
        sql.SerializationFailure,
        sql.LockNotAvailable,
        sql.TooManyConnections,
    ) as error:
        raise DatabaseBusy(retry_after_seconds=1) from error
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(retry_after_seconds=1) from error


def _begin(statement_timeout_seconds: float) -> str:
    request = context.active()
    if request is None or (left := request.remaining_seconds()) >= statement_timeout_seconds:
        return "BEGIN"
    return f"BEGIN; SET LOCAL statement_timeout = {_milliseconds(left)}"


def _commit(transaction: Transaction) -> None:
    conn = transaction.conn
    if conn.info.transaction_status == TransactionStatus.INERROR:
        # COMMIT would answer ROLLBACK, and the caller would believe in a write that never was.
        raise psycopg.InternalError("an error of the database was swallowed in this transaction")
    # NOTIFY in a message of its own right behind the COMMIT, not before it: a transaction that notifies holds a lock on
    # all others that do until its commit is on the disk. It is only a hint; the relay polls too.
    conn.execute(f"COMMIT; NOTIFY {OUTBOX_CHANNEL}" if transaction.emitted else "COMMIT")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _json(data: object) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_UTC_Z)
