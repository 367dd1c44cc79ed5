"""The worker as a process of its own, between a real database and a real broker."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import jsonschema
import pytest
from broker import Broker
from callers import Client
from processes import WORKER, free_address, running
from shop import line, once, payment_of, product

from chassis.events import Received
from chassis.ids import new_id
from chassis.postgres import Database
from orders.app import create_app
from orders.domain import Order, Status
from orders.postgres import Store
from orders.service import Orders
from orders.settings import Settings

ANNA = new_id()
SCHEMAS = json.loads((Path(__file__).parents[2] / "events.json").read_text())


@pytest.fixture(scope="module")
def settings(make_settings, nats_server) -> Settings:
    return make_settings(nats_url=nats_server.url, worker_bind=free_address(), expiry_poll_seconds=0.05)


@pytest.fixture(scope="module")
def broker(nats_server) -> Broker:
    there = Broker(nats_server.url)
    there.make_stream_of_payments()
    return there


@pytest.fixture(scope="module")
def worker(settings, broker, tmp_path_factory):
    """The log of the running worker."""
    log = tmp_path_factory.mktemp("worker") / "log"
    with running(WORKER, settings, settings.worker_bind, log):
        yield log


@pytest.fixture(scope="module")
def database(settings):
    there = Database(settings, Store)
    with there.transaction() as tx:
        tx.put_product(product("TEA-1", stock=1000))
    yield there
    there.close()


@pytest.fixture
def place(database, worker):
    """Place an order, perhaps one whose time to pay is over already."""

    def place(window: timedelta = timedelta(hours=1)) -> Order:
        orders = Orders(database, "EUR", window)
        return orders.place_order(ANNA, [line("TEA-1", 2)], once())

    return place


@pytest.fixture
def becomes(database, until):
    """Wait until an order has a status."""

    def becomes(order: Order, status: Status) -> Order:
        def now() -> Order:
            with database.read() as tx:
                return tx.order(order.id)

        until(lambda: now().status is status, timeout_seconds=15)
        return now()

    return becomes


def types_and_versions(events: list[Received]) -> list[tuple[str, int]]:
    return [(event.type, event.version) for event in events]


def test_an_order_goes_from_placed_to_paid_to_cancelled_to_refunded(place, becomes, broker, database, until):
    placed = place()
    payment = payment_of(placed)
    broker.tell("payment.succeeded", payment)
    paid = becomes(placed, Status.PAID)
    assert paid.payment_id == payment.id
    Orders(database, "EUR", timedelta(hours=1)).cancel_order(ANNA, placed.id, once())
    broker.tell("payment.refunded", payment, version=3)
    becomes(placed, Status.REFUNDED)
    until(lambda: len(broker.told_about(placed.id)) == 3)
    assert types_and_versions(broker.told_about(placed.id)) == [
        ("order.placed", 1),
        ("order.paid", 2),
        ("order.cancelled", 3),
    ]


def test_what_is_published_is_as_events_json_says_and_names_its_request(
    settings, database, broker, worker, keys, until
):
    anna = Client(create_app(settings, database=database).test_client(), keys, ANNA)
    placed = anna.call(
        "POST",
        "/orders",
        "key",
        json={"items": [{"sku": "TEA-1", "quantity": 1}]},
        headers={"X-Request-ID": "request-of-a-shopper"},
    ).json
    until(lambda: broker.told_about(UUID(placed["id"])))
    [event] = broker.told_about(UUID(placed["id"]))
    jsonschema.validate(event.data, SCHEMAS["order.placed"])
    assert (event.source, event.request_id) == ("/souk/orders", "request-of-a-shopper")
    assert event.data["expires_at"] == placed["expires_at"]


def test_the_request_of_the_payment_is_named_by_what_it_caused(place, becomes, broker, until):
    placed = place()
    broker.tell("payment.succeeded", payment_of(placed), request_id="request-of-a-payer")
    becomes(placed, Status.PAID)
    until(lambda: len(broker.told_about(placed.id)) == 2)
    assert broker.told_about(placed.id)[1].request_id == "request-of-a-payer"


def test_an_event_that_comes_twice_counts_once(place, becomes, broker, until):
    placed, id = place(), new_id()
    payment = payment_of(placed)
    broker.tell("payment.succeeded", payment, id=id)
    broker.tell("payment.succeeded", payment, id=id)
    broker.tell("payment.succeeded", payment)
    broker.tell("payment.succeeded", payment_of(placed))
    other = place()
    broker.tell("payment.succeeded", payment_of(other))
    becomes(other, Status.PAID)
    until(lambda: len(broker.told_about(other.id)) == 2)
    assert becomes(placed, Status.PAID).version == 2
    assert types_and_versions(broker.told_about(placed.id)) == [("order.placed", 1), ("order.paid", 2)]


def test_an_order_nobody_pays_expires_and_a_late_payment_changes_nothing(
    place, becomes, broker, worker, until
):
    placed = place(window=timedelta(0))
    expired = becomes(placed, Status.EXPIRED)
    payment = payment_of(placed)
    broker.tell("payment.succeeded", payment)
    until(lambda: str(payment.id) in worker.read_text())
    assert becomes(placed, Status.EXPIRED) == expired


def test_a_payment_of_another_amount_does_not_pay(place, becomes, broker, worker, until):
    placed = place()
    payment = payment_of(placed, amount=1)
    broker.tell("payment.succeeded", payment)
    until(lambda: str(payment.id) in worker.read_text())
    assert becomes(placed, Status.PENDING).version == 1


def test_what_cannot_be_read_is_put_aside_and_the_next_is_handled(place, becomes, broker, until):
    placed = place()
    broken = payment_of(placed, order_id="no id")
    broker.tell("payment.succeeded", broken)
    broker.tell("payment.succeeded", payment_of(placed))
    becomes(placed, Status.PAID)
