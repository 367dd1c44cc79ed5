"""PostgreSQL: a service's database, one transaction at a time."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import orjson
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from chassis import context
from chassis.events import Event
from chassis.ids import new_id
from chassis.pool import DatabaseBusy, DatabaseUnavailable, Pool, PoolSettings
from chassis.presence import Presence
from chassis.settings import Secret

__all__ = [
    "Database",
    "DatabaseBusy",
    "DatabaseSettings",
    "DatabaseUnavailable",
    "Transaction",
    "constraint_of",
]

OUTBOX_CHANNEL = "outbox"
# The server notices a vanished client, and frees its locks, within 25 s.
_SESSION = "-c timezone=UTC -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


class DatabaseSettings(PoolSettings, Protocol):
    """The settings a Database reads; chassis.settings.ServiceSettings has them."""

    db_url: Secret
    db_connect_timeout_seconds: int


def constraint_of(error: psycopg.Error) -> str | None:
    """Return the name of the constraint that an error says was violated, if it names one."""
    return error.diag.constraint_name


class Transaction:
    """One open transaction. Services subclass it with their SQL, on `self.conn`, whose rows are dicts."""

    def __init__(self, conn: psycopg.Connection[DictRow], database: "Database[Any]") -> None:
        self.conn = conn
        self.database = database
        self.emitted = False
        self.committed = False
        self._checks: list[Callable[[], None]] = []

    @cached_property
    def now(self) -> datetime:
        """The transaction's timestamp, aware UTC: the same as now() in its SQL."""
        return self.conn.execute("SELECT now() AS now").fetchone()["now"]  # type: ignore[index]

    def require_open(self) -> None:
        """Refuse what makes sense in a transaction only. Raises RuntimeError inside Database.read()."""
        if self.conn.pgconn.transaction_status == TransactionStatus.IDLE:
            raise RuntimeError("this needs Database.transaction(), not read()")

    def together(self) -> AbstractContextManager[object]:
        """Send what a block executes in one go, for one round trip; its outcome is known, and errors are
        raised, at the block's end."""
        return self.conn.pipeline()

    def once_sent(self, check: Callable[[], None]) -> None:
        """Look at the outcome of a statement that was just executed: now or, in a pipeline, where there is none
        yet, before the commit. What `check` raises rolls back."""
        if self.conn.pgconn.pipeline_status == PipelineStatus.OFF:
            check()
        else:
            self._checks.append(check)

    def check(self) -> None:
        """Do the checks that a pipeline has put off."""
        for check in self._checks:
            check()
        self._checks.clear()

    def emit(self, event: Event) -> None:
        """Put an event into the outbox: it is published if, and only if, this transaction commits."""
        self.require_open()
        request = context.current()
        self.conn.execute(
            """ INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent) VALUES
            (%(id)s, %(type)s, %(aggregate_id)s, %(version)s, %(data)s, %(request_id)s, %(traceparent)s) """,
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
        self.require_open()
        noted = self.conn.execute(
            "INSERT INTO inbox (event_id) VALUES (%s) ON CONFLICT DO NOTHING",
            (event_id,),
        )
        return noted.rowcount == 1


T = TypeVar("T", bound=Transaction)


class Database(Generic[T]):
    """A service's database. Connects nothing until used, and anew in every process after a fork."""

    def __init__(self, settings: DatabaseSettings, transaction_type: type[T] = Transaction) -> None:  # type: ignore[assignment]
        self._transaction_type = transaction_type
        self._statement_timeout_seconds = settings.db_statement_timeout_seconds
        statement_timeout = _milliseconds(settings.db_statement_timeout_seconds)
        self.conninfo = make_conninfo(
            settings.db_url.reveal(),
            connect_timeout=settings.db_connect_timeout_seconds,
            options=f"{_SESSION} -c statement_timeout={statement_timeout}",
        )
        self._pool = Pool(self.conninfo, settings)
        self.presence = Presence(self.conninfo)

    @contextmanager
    def transaction(self) -> Iterator[T]:
        """Run a block in one transaction: committed at its end, rolled back by an exception.

        Raises DatabaseBusy, DatabaseUnavailable, DeadlineExceeded (a statement too slow, the request out of
        time).
        """
        with self._pool.connection() as conn:
            conn.execute(self._begin())
            transaction = self._transaction_type(conn, self)
            try:
                yield transaction
                transaction.check()
            except BaseException:
                _rollback(conn)
                raise
            _commit(transaction)

    @contextmanager
    def read(self) -> Iterator[T]:
        """Run single statements without BEGIN and COMMIT: one round trip each instead of three in all, each
        with a snapshot of its own. For reads; raises as `transaction`."""
        with self._pool.connection() as conn:
            yield self._transaction_type(conn, self)

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises Unavailable, DeadlineExceeded."""
        with self.read() as one:
            one.conn.execute("SELECT 1")

    def close(self) -> None:
        """Close this process's connections."""
        self._pool.close()
        self.presence.close()

    def _begin(self) -> str:
        request = context.active()
        if request is None or (left := request.remaining_seconds()) >= self._statement_timeout_seconds:
            return "BEGIN"
        return f"BEGIN; SET LOCAL statement_timeout = {_milliseconds(left)}"


def _commit(transaction: Transaction) -> None:
    conn = transaction.conn
    if conn.info.transaction_status == TransactionStatus.INERROR:
        # COMMIT would answer ROLLBACK, and the caller would believe in a write that never was.
        _rollback(conn)
        raise psycopg.InternalError("an error of the database was swallowed in this transaction")
    # NOTIFY in the message of the COMMIT and behind it, not in the transaction: one that notifies holds a
    # lock on all others that do until its commit is on the disk. It is only a hint; the relay polls too.
    conn.execute(f"COMMIT; NOTIFY {OUTBOX_CHANNEL}" if transaction.emitted else "COMMIT")
    transaction.committed = True


def _rollback(conn: psycopg.Connection[Any]) -> None:
    with suppress(psycopg.OperationalError):  # a lost connection has rolled back by itself
        conn.rollback()


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _json(data: object) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_UTC_Z)
