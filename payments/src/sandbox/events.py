"""Events: what the sandbox tells its owner, recorded in the transaction in which it happened."""

import json
from typing import Any

from sandbox.ledger import Row, Transaction, new_id
from sandbox.listings import Collection

API_VERSION = "2026-10-28.endive"

SELECT = """
SELECT
    listed.position,
    listed.id,
    listed.created,
    listed.type,
    listed.payload
FROM events AS listed
"""
WHERE = "WHERE (:type IS NULL OR listed.type = :type)"
INSERT = """
INSERT INTO events (
    id,
    created,
    type,
    payload,
    next_attempt_at
) VALUES (
    :id,
    :created,
    :type,
    :payload,
    :next_attempt_at
)
"""


def record(tx: Transaction, event_type: str, about: dict[str, Any]) -> None:
    """Record that something happened to an object; the courier sends it from here."""
    event_id = new_id("evt")
    event = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": tx.created,
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": tx.idempotency_key},
        "type": event_type,
    }
    tx.write(
        INSERT,
        id=event_id,
        created=tx.created,
        type=event_type,
        payload=json.dumps(event),
        next_attempt_at=tx.now,
    )


def present(row: Row) -> dict[str, Any]:
    """Return Stripe's Event object, as it was sent."""
    return json.loads(row["payload"])


COLLECTION = Collection("event", "/v1/events", SELECT, WHERE, ("type",), present)
