"""Unit tests of the events that orders tells and hears."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import jsonschema
import pytest
from shop import NOW, order, payment_of

from chassis.events import Event, Received, from_wire, to_wire
from orders.domain import Move, Order, Status
from orders.events import ANNOUNCED, announcement, payment_handlers

SCHEMAS = json.loads((Path(__file__).parents[2] / "events.json").read_text())


def received(event: Event) -> Received:
    """The event as a consumer reads it from the wire."""
    sent = Received(
        id=uuid4(),
        type=event.type,
        source="/souk/test",
        aggregate_id=event.aggregate_id,
        version=event.version,
        data=event.data,
        request_id="request-1",
        traceparent="",
        time=NOW,
    )
    return from_wire(to_wire(sent))


def every_announced_order() -> list[Order]:
    placed = order()
    paid = placed.paid_by(payment_of(placed), NOW)
    return [
        placed,
        paid,
        paid.moved(Move.CANCEL, NOW),
        placed.moved(Move.CANCEL, NOW),
        placed.moved(Move.EXPIRE, NOW),
    ]


@pytest.mark.parametrize("told", every_announced_order(), ids=lambda order: order.status)
def test_what_is_told_is_as_events_json_says(told):
    event = received(announcement(told))
    jsonschema.validate(
        event.data, SCHEMAS[event.type], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert (event.aggregate_id, event.version) == (told.id, told.version)
    assert (event.data["total"], event.data["currency"]) == (told.total, "EUR")


def test_events_json_knows_all_events_and_no_others():
    assert set(SCHEMAS) == {type for type, _ in ANNOUNCED.values()}


@pytest.mark.parametrize("status", [Status.REFUNDED, Status.FULFILLED])
def test_the_other_moves_are_not_told(status):
    assert announcement(order(status=status)) is None


def test_the_time_to_pay_goes_with_the_order():
    event = received(announcement(placed := order()))
    assert datetime.fromisoformat(event.data["expires_at"]) == placed.expires_at


@pytest.mark.parametrize(
    ("type", "status"), [("payment.succeeded", Status.PAID), ("payment.refunded", Status.REFUNDED)]
)
def test_payments_move_orders(orders, database, type, status):
    placed = order()
    payment = payment_of(placed)
    database.tables.orders[placed.id] = (
        placed if status is Status.PAID else replace(placed.paid_by(payment, NOW), items=())
    )
    data = {
        "payment_id": payment.id,
        "order_id": placed.id,
        "user_id": placed.user_id,
        "amount": 1000,
        "currency": "EUR",
    }
    with database.transaction() as tx:
        payment_handlers(orders)[type](tx, received(Event(type, payment.id, 2, data)))
    assert database.tables.orders[placed.id].status is status


def test_an_event_without_what_is_needed_is_an_error_and_not_ignored(orders, database):
    broken = received(Event("payment.succeeded", UUID(int=1), 1, {"payment_id": "x"}))
    with database.transaction() as tx, pytest.raises((KeyError, ValueError)):
        payment_handlers(orders)["payment.succeeded"](tx, broken)
