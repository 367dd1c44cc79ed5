"""What the chassis' tables forget, and what not."""

import uuid

import boxes
import pytest

from chassis.housekeeping import tidy
from chassis.idempotency import Once

AGES = [
    ("outbox", "published_at", "23 hours", 0),
    ("outbox", "published_at", "25 hours", 1),
    ("inbox", "received_at", "7 days 1 hour", 0),
    ("inbox", "received_at", "8 days 1 hour", 1),
    ("idempotency_keys", "created_at", "23 hours", 0),
    ("idempotency_keys", "created_at", "25 hours", 1),
]


@pytest.fixture
def filled(database):
    """One row in each table."""
    once = Once(caller="ada", route="r", key="k", fingerprint=b"", present=lambda result: (201, b""))
    with database.transaction() as tx:
        once.begin(tx)
        tx.move(uuid.uuid4())
        tx.receive(uuid.uuid4())
    return database


@pytest.mark.parametrize(("table", "column", "age", "forgotten"), AGES)
def test_rows_are_kept_for_their_time(filled, urls, table, column, age, forgotten):
    with boxes.as_superuser(urls.runtime) as conn:
        conn.execute(f"UPDATE {table} SET {column} = now() - interval '{age}'")
    assert tidy(filled) == forgotten


def test_an_event_that_is_not_published_is_kept_for_ever(filled, urls):
    with boxes.as_superuser(urls.runtime) as conn:
        conn.execute("UPDATE outbox SET created_at = now() - interval '1 year'")
    assert tidy(filled) == 0
    assert boxes.waiting(filled) == 1
