"""Doubles of the data half of the chassis: transactions in memory, and an idempotency key on them."""

import copy
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Any, Generic, TypeVar

from chassis.clock import Clock, utc_now
from chassis.events import Event
from chassis.idempotency import HOLD, KeyReused, Replay, RequestInProgress
from chassis.ids import new_id


@dataclass
class FakeKey:
    """What is known of one idempotency key."""

    id: uuid.UUID
    fingerprint: bytes
    holder: object
    held_until: datetime
    answer: tuple[int, bytes] | None = None


@dataclass
class MemoryTables:
    """The chassis' tables in memory; services subclass it with theirs."""

    events: list[Event] = field(default_factory=list)
    inbox: set[uuid.UUID] = field(default_factory=set)
    keys: dict[tuple[str, str, str], FakeKey] = field(default_factory=dict)


class MemoryTransaction:
    """Stands in for chassis.postgres.Transaction; services subclass it with their queries, on
    `self.tables`."""

    def __init__(self, tables: Any, now: datetime, holder: object) -> None:
        self.tables = tables
        self.now = now
        self.holder = holder

    def emit(self, event: Event) -> None:
        """Put an event into the outbox, `tables.events`."""
        self.tables.events.append(event)

    def together(self) -> AbstractContextManager[object]:
        """Change nothing: every statement has its outcome at once."""
        return nullcontext()

    def receive(self, event_id: uuid.UUID) -> bool:
        """Note that an event takes effect; False if it did before."""
        if event_id in self.tables.inbox:
            return False
        self.tables.inbox.add(event_id)
        return True


M = TypeVar("M", bound=MemoryTransaction)


class MemoryDatabase(Generic[M]):
    """Stands in for chassis.postgres.Database: one transaction at a time, undone by an exception."""

    def __init__(
        self,
        transaction_type: type[M] = MemoryTransaction,  # type: ignore[assignment]
        tables: MemoryTables | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.tables = tables or MemoryTables()
        self._transaction_type = transaction_type
        self._clock = clock
        self._lock = RLock()
        self._process = 1

    @contextmanager
    def transaction(self) -> Iterator[M]:
        """Run a block in one transaction on a copy, which replaces the tables at its end."""
        with self._lock:
            transaction = self._transaction_type(copy.deepcopy(self.tables), self._clock(), self._process)
            yield transaction
            self.tables = transaction.tables

    @contextmanager
    def read(self) -> Iterator[M]:
        """Run single reads."""
        with self.transaction() as transaction:
            yield transaction

    def ping(self) -> None:
        """Answer."""

    def close(self) -> None:
        """End this process: what it holds is free for the next."""
        self._process += 1


class FakeOnce:
    """Stands in for chassis.idempotency.Once, on a MemoryTransaction; keys are equal where caller, route and
    key are."""

    def __init__(
        self,
        *,
        caller: str = "caller",
        route: str = "POST /things",
        key: str = "key",
        fingerprint: bytes = b"",
        present: Callable[[Any], tuple[int, bytes]] = lambda result: (200, repr(result).encode()),
    ) -> None:
        self._scope = (caller, route, key)
        self._fingerprint = fingerprint
        self._present = present
        self._id: uuid.UUID | None = None

    @property
    def id(self) -> uuid.UUID:
        """The id of the effect; known once `begin` was called."""
        if self._id is None:
            raise RuntimeError("begin() gives the id")
        return self._id

    def look(self, tx: MemoryTransaction) -> None:
        """Claim nothing; raise Replay, KeyReused."""
        known = tx.tables.keys.get(self._scope)
        if known is None:
            return
        if known.fingerprint != self._fingerprint:
            raise KeyReused()
        if known.answer is not None:
            raise Replay(*known.answer)

    def begin(self, tx: MemoryTransaction) -> None:
        """Claim the key. Raises Replay, KeyReused, RequestInProgress."""
        self.look(tx)
        known = tx.tables.keys.get(self._scope)
        if known is None:
            known = tx.tables.keys[self._scope] = FakeKey(
                new_id(), self._fingerprint, tx.holder, tx.now + HOLD
            )
        elif known.held_until > tx.now and known.holder == tx.holder:
            raise RequestInProgress(retry_after_seconds=1)
        known.holder, known.held_until = tx.holder, tx.now + HOLD
        self._id = known.id

    def end(self, tx: MemoryTransaction, result: Any) -> None:
        """Store the answer. Raises Replay if a retry answered first."""
        answer = self._present(result)
        self.look(tx)
        tx.tables.keys[self._scope].answer = answer

    def release(self, tx: MemoryTransaction) -> None:
        """Let a retry take over at once."""
        tx.tables.keys[self._scope].held_until = tx.now
