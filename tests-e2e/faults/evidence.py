"""The evidence: what the three databases, the event streams and the provider's ledger hold about some shoppers."""

import asyncio
import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import nats
import psycopg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError
from psycopg.rows import dict_row

from faults.history import History
from faults.laboratory import SERVICES, Laboratory

Row = dict[str, Any]
STREAMS = ("USERS", "ORDERS", "PAYMENTS", "DEAD")
BATCH, CLOCKS_APART_SECONDS = 1000, 5


@dataclass
class Evidence:
    """All rows about the shoppers of one history; `messages` holds each stream's events in the order they came."""

    orders: dict[str, Row] = field(default_factory=dict)
    items: dict[str, list[Row]] = field(default_factory=dict)
    products: dict[str, Row] = field(default_factory=dict)
    keys: list[Row] = field(default_factory=list)
    payments: dict[str, Row] = field(default_factory=dict)
    refunds: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    notifications: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    messages: dict[str, list[Row]] = field(default_factory=dict)
    in_hand: dict[str, int] = field(default_factory=dict)
    balances: list[Row] = field(default_factory=list)
    provider_refunds: list[Row] = field(default_factory=list)
    stock_before: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)


def rows(lab: Laboratory, service: str, statement: str, **values: Any) -> list[Row]:
    """Ask a service's database, as its owner."""
    url = lab.setting(service, f"{service.upper()}_DB_OWNER_URL")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def ledger(lab: Laboratory, statement: str) -> list[Row]:
    """Ask the provider's ledger."""
    place = f"file:{lab.state / 'sandbox' / 'ledger.sqlite'}?mode=ro"
    with closing(sqlite3.connect(place, uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement)]


def collect(
    lab: Laboratory, history: History, stock_before: dict[str, int], prices: dict[str, int]
) -> Evidence:
    """Collect what there is about a history's shoppers, and about the products they bought."""
    found = Evidence(stock_before=stock_before, prices=prices)
    who = {"users": list(history.users)}
    orders = rows(lab, "orders", "SELECT * FROM orders WHERE user_id = ANY(%(users)s::uuid[])", **who)
    found.orders = by_id(orders)
    found.items = defaultdict(list)
    for item in rows(
        lab,
        "orders",
        "SELECT i.* FROM order_items i JOIN orders o ON o.id = i.order_id WHERE user_id = ANY(%(users)s::uuid[])",
        **who,
    ):
        found.items[str(item["order_id"])].append(item)
    wanted = {"skus": list(stock_before)}
    products = rows(lab, "orders", "SELECT sku, stock FROM products WHERE sku = ANY(%(skus)s)", **wanted)
    found.products = {row["sku"]: row for row in products}
    statement = "SELECT * FROM payments WHERE user_id = ANY(%(users)s::uuid[])"
    found.payments = by_id(rows(lab, "payments", statement, **who))
    mine = {"payments": list(found.payments)}
    of_mine = "WHERE payment_id = ANY(%(payments)s::uuid[])"
    found.refunds = rows(lab, "payments", f"SELECT * FROM refunds {of_mine}", **mine)
    found.entries = rows(lab, "payments", f"SELECT * FROM ledger_entries {of_mine}", **mine)
    statement = "SELECT * FROM notifications WHERE user_id = ANY(%(users)s::uuid[])"
    found.notifications = rows(lab, "users", statement, **who)
    collect_traces(lab, found, who)
    asyncio.run(collect_messages(lab, found, history))
    collect_ledger(lab, found)
    return found


def collect_traces(lab: Laboratory, found: Evidence, who: dict[str, list[str]]) -> None:
    """Collect the keys and the outboxes of every service."""
    for service in SERVICES:
        statement = "SELECT * FROM idempotency_keys WHERE caller = ANY(%(users)s)"
        found.keys += rows(lab, service, statement, **who)
        statement = "SELECT * FROM outbox WHERE data->>'user_id' = ANY(%(users)s) ORDER BY position"
        found.outbox += [row | {"service": service} for row in rows(lab, service, statement, **who)]


def collect_ledger(lab: Laboratory, found: Evidence) -> None:
    """Collect the provider's charges and refunds for these shoppers' orders and payments."""
    for row in ledger(lab, "SELECT * FROM balances"):
        told = json.loads(row["metadata"])
        if told.get("order_id") in found.orders or told.get("payment_id") in found.payments:
            found.balances.append(row | told)
    known = {row["payment_intent"] for row in found.balances}
    listed = ledger(lab, "SELECT payment_intent, amount, idempotency_key FROM refunds")
    found.provider_refunds = [row for row in listed if row["payment_intent"] in known]


def by_id(found: list[Row]) -> dict[str, Row]:
    return {str(row["id"]): row for row in found}


async def collect_messages(lab: Laboratory, found: Evidence, history: History) -> None:
    """Read what the streams took since a history began, of its shoppers, and what is still to be taken from them."""
    client = await nats.connect(lab.setting("orders", "ORDERS_NATS_URL"), connect_timeout=5)
    try:
        for stream in STREAMS:
            events = await read_stream(client, stream, since=history.began_at)
            found.messages[stream] = [each for each in events if each["data"].get("user_id") in history.users]
            found.in_hand |= await in_hand(client, stream)
    finally:
        await client.close()


async def in_hand(client: nats.NATS, stream: str) -> dict[str, int]:
    """Return how much of a stream each durable consumer has still to take or to acknowledge."""
    try:
        consumers = await client.jetstream().consumers_info(stream)
    except NotFoundError:
        return {}
    durable = [each for each in consumers if each.config.durable_name]
    return {f"{each.name} of {stream}": each.num_pending + each.num_ack_pending for each in durable}


async def read_stream(client: nats.NATS, stream: str, since: float = 0) -> list[Row]:
    """Read the events of a stream in the order it took them, since a moment in Unix seconds."""
    js = client.jetstream()
    try:
        await js.stream_info(stream)
    except NotFoundError:
        return []
    options: Row = {"deliver_policy": DeliverPolicy.ALL, "ack_policy": AckPolicy.NONE}
    if since:
        start = datetime.fromtimestamp(since - CLOCKS_APART_SECONDS, UTC).isoformat().replace("+00:00", "Z")
        options |= {"deliver_policy": DeliverPolicy.BY_START_TIME, "opt_start_time": start}
    subscription = await js.pull_subscribe("", stream=stream, config=ConsumerConfig(**options))
    left, events = (await subscription.consumer_info()).num_pending, []
    while left:
        for message in await subscription.fetch(min(left, BATCH), timeout=10):
            left = message.metadata.num_pending
            events.append(json.loads(message.data) | {"sequence": message.metadata.sequence.stream})
    await subscription.unsubscribe()
    return events
