"""The ledger: one SQLite file that is on the disk before anybody is answered."""

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.schema import SCHEMA

Row = dict[str, Any]
BUSY_TIMEOUT_SECONDS = 10.0


class Transaction:
    """One open transaction; `now` is its time, `idempotency_key` the key of the request it serves."""

    def __init__(self, connection: sqlite3.Connection, now: float, idempotency_key: str | None) -> None:
        self._connection = connection
        self.now = now
        self.idempotency_key = idempotency_key

    @property
    def created(self) -> int:
        """The time as Stripe writes it, in whole seconds."""
        return int(self.now)

    def one(self, statement: str, **values: Any) -> Row | None:
        return self._connection.execute(statement, values).fetchone()

    def all(self, statement: str, **values: Any) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    def write(self, statement: str, **values: Any) -> None:
        self._connection.execute(statement, values)


class Ledger:
    """Transactions over one SQLite file, one after another; other processes may read it, or even write."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self.changes = 0
        self._connection = sqlite3.connect(
            file, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = _as_dict
        self._connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;" + SCHEMA
        )

    @contextmanager
    def transaction(self, idempotency_key: str | None = None) -> Iterator[Transaction]:
        """Open a transaction; it is durable when the block ends and undone when the block raises."""
        with self._turn:
            written = self._connection.total_changes
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._connection, self._clock(), idempotency_key)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            if self._connection.total_changes == written:
                return
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def check(self) -> None:
        """Raise unless a transaction can be had."""
        with self.transaction():
            pass

    def wait_for_change(self, since: int, timeout_seconds: float) -> None:
        """Return when something was written after `changes` was `since`, or when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != since, timeout_seconds)


def new_id(prefix: str) -> str:
    """Return an id as Stripe's look: pi_..., ch_..., re_..., evt_..."""
    return f"{prefix}_{secrets.token_hex(12)}"


def _as_dict(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
