"""Invariants of rest: when nothing breaks any more, everything comes to its end by itself."""

from datetime import UTC, datetime, timedelta

from faults.evidence import Evidence
from faults.history import History

# The workers look for orders whose time is over every second.
EXPIRY_GRACE = timedelta(seconds=5)


def nothing_is_open(_: History, evidence: Evidence) -> list[str]:
    """No payment is processing, no refund is owed, neither here nor with the provider."""
    payments = [
        f"payment {name} is processing"
        for name, row in evidence.payments.items()
        if row["status"] == "processing"
    ]
    refunds = [f"refund {row['id']} is pending" for row in evidence.refunds if row["status"] == "pending"]
    provider = [
        f"{row['payment_intent']} is processing with the provider"
        for row in evidence.balances
        if row["status"] == "processing"
    ]
    return payments + refunds + provider


def nothing_waits_in_an_outbox(_: History, evidence: Evidence) -> list[str]:
    """Every event is published, and none was given up."""
    return [
        f"{row['service']}: {row['type']} {row['id']} " + ("was given up" if row["parked_at"] else "waits")
        for row in evidence.outbox
        if row["published_at"] is None or row["parked_at"]
    ]


def nothing_is_a_dead_letter(_: History, evidence: Evidence) -> list[str]:
    """No event was given up by who it was for."""
    return [f"{event['type']} {event['id']} is a dead letter" for event in evidence.messages["DEAD"]]


def nothing_is_in_hand(_: History, evidence: Evidence) -> list[str]:
    """Everybody has taken all events there are for them."""
    return [f"{name} has {count} events to take" for name, count in evidence.in_hand.items() if count]


def orders_and_payments_agree(_: History, evidence: Evidence) -> list[str]:
    """An order is paid if, and only if, its payment has succeeded, and refunded likewise."""
    expected = {
        "PAID": "succeeded",
        "FULFILLED": "succeeded",
        "CANCELLED": "refunded",
        "REFUNDED": "refunded",
    }
    found = []
    for order_id, order in evidence.orders.items():
        payment = evidence.payments.get(str(order["payment_id"]))
        if payment is not None and payment["status"] != expected.get(order["status"]):
            found.append(f"order {order_id} is {order['status']}, its payment {payment['status']}")
        if order["payment_id"] is not None and order["status"] == "CANCELLED":
            found.append(f"order {order_id} was paid and cancelled, and its refund has not come")
    payers = {str(order["payment_id"]) for order in evidence.orders.values()}
    found += [
        f"payment {payment_id} has succeeded, and its order does not know"
        for payment_id, payment in evidence.payments.items()
        if payment["status"] == "succeeded" and payment_id not in payers
    ]
    return found


def every_key_has_its_answer(_: History, evidence: Evidence) -> list[str]:
    """No key is held by a request that is gone."""
    return [
        f"{row['caller']} {row['route']} {row['key']} has no answer"
        for row in evidence.keys
        if row["status"] is None
    ]


def nothing_outlives_its_time(_: History, evidence: Evidence) -> list[str]:
    """An order that is not paid in time expires, and no other one does."""
    late = datetime.now(UTC) - EXPIRY_GRACE
    found = [
        f"order {order_id} is PENDING since it was due at {order['expires_at']}"
        for order_id, order in evidence.orders.items()
        if order["status"] == "PENDING" and order["expires_at"] < late
    ]
    return found + [
        f"order {order_id} expired before its time"
        for order_id, order in evidence.orders.items()
        if order["status"] == "EXPIRED" and order["updated_at"] < order["expires_at"]
    ]
