"""The database in memory does what its services' unit tests rely on."""

import uuid
from datetime import UTC, datetime

import pytest

from chassis.events import Event
from chassis.testing.doubles import MemoryDatabase

EVENT = Event("box.moved", uuid.UUID(int=1), 1, {})
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_transaction_is_kept_when_its_block_ends_well():
    database = MemoryDatabase(clock=lambda: NOW)
    with database.transaction() as tx:
        tx.emit(EVENT)
        assert tx.now == NOW
    assert database.tables.events == [EVENT]


def test_an_exception_undoes_the_transaction():
    database = MemoryDatabase()
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        tx.emit(EVENT)
        tx.receive(uuid.UUID(int=2))
        raise ZeroDivisionError
    assert (database.tables.events, database.tables.inbox) == ([], set())


def test_an_event_is_received_once():
    database = MemoryDatabase()
    for expected in (True, False):
        with database.transaction() as tx:
            assert tx.receive(uuid.UUID(int=2)) is expected
