"""Housekeeping: deletes what the chassis' tables have kept long enough."""

from typing import Any

from chassis.postgres import Database
from chassis.tasks import Every

EVERY_SECONDS = 60.0
ROWS_AT_ONCE = 5000

# The broker keeps events for 7 days and may deliver each of them again: the inbox remembers longer than that.
# Nobody but a function of the owner's deletes of the outbox: what was published 24 hours ago.
_PURGES = (
    "SELECT forget_published_events(%s) AS deleted",
    """
    WITH deleted AS (
        DELETE FROM inbox
        WHERE event_id IN (
            SELECT event_id
            FROM inbox
            WHERE received_at < now() - interval '8 days'
            LIMIT %s
        )
        RETURNING 1
    )
    SELECT count(*) AS deleted
    FROM deleted
    """,
    """
    WITH deleted AS (
        DELETE FROM idempotency_keys
        WHERE (caller, route, key) IN (
            SELECT caller, route, key
            FROM idempotency_keys
            WHERE created_at < now() - interval '24 hours'
            LIMIT %s
        )
        RETURNING 1
    )
    SELECT count(*) AS deleted
    FROM deleted
    """,
)


def housekeeping(database: Database[Any]) -> Every:
    """Return the worker's task that tidies up every minute."""
    return Every("housekeeping", EVERY_SECONDS, lambda: tidy(database))


def tidy(database: Database[Any]) -> int:
    """Delete published events and idempotency keys after 24 h, and inbox rows after 8 days, in short
    transactions; return how many rows there were."""
    return sum(_purge(database, statement) for statement in _PURGES)


def _purge(database: Database[Any], statement: str) -> int:
    deleted = ROWS_AT_ONCE
    total = 0
    while deleted == ROWS_AT_ONCE:
        with database.read() as one:
            deleted = one.conn.execute(statement, (ROWS_AT_ONCE,)).fetchone()["deleted"]
        total += deleted
    return total
