"""Invariants of events: the outboxes against the aggregates, the streams against the outboxes."""

from collections import Counter, defaultdict
from itertools import pairwise

from faults.evidence import Evidence, Row
from faults.history import History

PRODUCERS = ("USERS", "ORDERS", "PAYMENTS")
# What an order's events are, for each state it can end in.
PATHS = {
    "PENDING": {("placed",)},
    "PAID": {("placed", "paid")},
    "CANCELLED": {("placed", "cancelled"), ("placed", "paid", "cancelled")},
    "EXPIRED": {("placed", "expired")},
    "REFUNDED": {("placed", "paid", "cancelled")},
}
PAYMENT_PATHS = {
    "processing": {()},
    "succeeded": {("succeeded",)},
    "failed": {("failed",)},
    "refunded": {("succeeded", "refunded")},
}


def versions_have_no_gap(_: History, evidence: Evidence) -> list[str]:
    """The events of an order or payment count its versions one by one."""
    found = []
    for aggregate, rows in by_aggregate(evidence.outbox).items():
        versions = [row["version"] for row in rows]
        first = 2 if aggregate in evidence.payments else 1
        if versions != list(range(first, first + len(versions))):
            found.append(f"{rows[0]['type']} {aggregate}: versions {versions}")
    return found


def events_tell_the_moves(_: History, evidence: Evidence) -> list[str]:
    """The events of an order or payment are those of a way to the state it is in."""
    told = by_aggregate(evidence.outbox)
    found = []
    for aggregates, paths in ((evidence.orders, PATHS), (evidence.payments, PAYMENT_PATHS)):
        for aggregate, row in aggregates.items():
            types = tuple(each["type"].partition(".")[2] for each in told.get(aggregate, []))
            if types not in paths[row["status"]]:
                found.append(f"{aggregate} is {row['status']} and told {types}")
    return found


def no_event_is_a_phantom(_: History, evidence: Evidence) -> list[str]:
    """Every event is of something that is there, and every message is of an outbox."""
    there = {*evidence.orders, *evidence.payments}
    found = [
        f"{row['type']} of {row['aggregate_id']}, which is not there"
        for row in evidence.outbox
        if not row["type"].startswith("user.") and str(row["aggregate_id"]) not in there
    ]
    known = {str(row["id"]) for row in evidence.outbox}
    return found + [
        f"message {event['id']} ({event['type']}) of no outbox"
        for stream in PRODUCERS
        for event in evidence.messages[stream]
        if event["id"] not in known
    ]


def first_deliveries_are_in_order(_: History, evidence: Evidence) -> list[str]:
    """An event comes into its stream after those before it of its order or payment."""
    found = []
    for stream in PRODUCERS:
        first: dict[str, Row] = {}
        for event in evidence.messages[stream]:
            first.setdefault(event["id"], event)
        latest: dict[str, list[int]] = defaultdict(list)
        for event in first.values():
            latest[event["subject"]].append(event["aggregateversion"])
        found += [
            f"{subject} came in versions {versions}"
            for subject, versions in latest.items()
            if any(later <= earlier for earlier, later in pairwise(versions))
        ]
    return found


def every_event_is_delivered(_: History, evidence: Evidence) -> list[str]:
    """What an outbox holds is in its stream."""
    there = {event["id"] for stream in PRODUCERS for event in evidence.messages[stream]}
    return [
        f"{row['type']} {row['id']} is in no stream" for row in evidence.outbox if str(row["id"]) not in there
    ]


def every_event_is_told_once(_: History, evidence: Evidence) -> list[str]:
    """Shoppers are notified of each event of their orders once."""
    told = Counter(str(row["id"]) for row in evidence.notifications)
    expected = {
        str(row["id"])
        for row in evidence.outbox
        if not row["type"].startswith("user.") and row["type"] != "payment.succeeded"
    }
    missing = [f"nobody was notified of {event_id}" for event_id in expected - set(told)]
    return missing + [
        f"{event_id} was notified {count} times" for event_id, count in told.items() if count > 1
    ]


def by_aggregate(outbox: list[Row]) -> dict[str, list[Row]]:
    """Group the events of orders and payments, each group in the order of the outbox."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in outbox:
        if not row["type"].startswith("user."):
            found[str(row["aggregate_id"])].append(row)
    return found
