"""The worker as a process, with a real broker and the sandbox: what orders tells, and what payments makes of it."""

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from nats.js.errors import NotFoundError
from processes import WORKER, ServiceProcess

from chassis.events import Received, from_wire, subject_of, to_wire
from chassis.ids import new_id
from payments.domain import PaymentStatus

SCHEMAS = json.loads((Path(__file__).parents[2] / "events.json").read_text())
SILENT = "pm_card_visa_silent"


@pytest.fixture(scope="module")
def quick(settings, nats_server):
    """Settings of a worker that looks often."""
    return replace(
        settings, nats_url=nats_server.url, settle_poll_seconds=0.1, settle_after_seconds=0.2, settle_tasks=2
    )


@pytest.fixture(scope="module")
def worker(quick, tmp_path_factory):
    process = ServiceProcess(WORKER, quick, tmp_path_factory.mktemp("worker") / "log")
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def tell(nats_server):
    """Tell what happened to an order, as the orders service does."""

    def tell(type, order, event_id=None):
        data = {
            "order_id": str(order.id),
            "user_id": str(order.user_id),
            "total": order.total,
            "currency": order.currency,
        }
        if type == "order.placed":
            data |= {"items": [], "expires_at": order.expires_at.isoformat()}
        event = Received(
            id=event_id or new_id(),
            type=type,
            source="/souk/orders",
            aggregate_id=order.id,
            version=1,
            data=data,
            request_id="the-orders-request",
            traceparent=f"00-{'1' * 32}-{'2' * 16}-00",
            time=datetime.now(UTC),
        )
        asyncio.run(publish(nats_server.url, event))

    return tell


async def publish(url, event):
    client = await nats.connect(url)
    js = client.jetstream()
    await js.add_stream(name="ORDERS", subjects=["souk.orders.>"])
    await js.publish(subject_of("orders", event.type), to_wire(event))
    await client.close()


@pytest.fixture
def told(nats_server, until):
    """Wait until payments has told the others so many things about some payments."""

    def told(count, *payments):
        ids = {payment["id"] for payment in payments}
        events = []

        def enough():
            events[:] = [
                each for each in asyncio.run(published(nats_server.url)) if str(each.aggregate_id) in ids
            ]
            return len(events) >= count

        until(enough, timeout_seconds=20)
        return events

    return told


async def published(url):
    client = await nats.connect(url)
    js = client.jetstream()
    try:
        last = (await js.stream_info("PAYMENTS")).state.last_seq
        return [from_wire((await js.get_msg("PAYMENTS", seq)).data) for seq in range(1, last + 1)]
    except NotFoundError:
        return []
    finally:
        await client.close()


@pytest.fixture
def becomes(database, until):
    """Wait until a payment has a status."""

    def status_of(payment_id):
        with database.read() as one:
            return one.payment(payment_id).status

    return lambda payment_id, status: until(
        lambda: status_of(payment_id) is PaymentStatus(status), timeout_seconds=20
    )


def refunds_of(sandbox, payment_id):
    return [amount for intent in sandbox.intents_of(payment_id) for amount in sandbox.refunds_of(intent)]


def test_an_order_that_was_told_of_can_be_paid_while_orders_is_down(
    worker, anna, orders, placed, tell, database, until
):
    order = placed(anna, total=300)
    orders.down = True
    tell("order.placed", order)

    def known():
        with database.read() as one:
            return one.order(order.id)

    until(known, timeout_seconds=20)
    paid = anna.pay(order)
    assert (paid.status_code, paid.json["amount"]) == (201, 300)


@pytest.mark.parametrize("ending", ["order.cancelled", "order.expired"])
@pytest.mark.parametrize("method", ["pm_card_visa", SILENT])
def test_what_was_or_will_be_paid_for_a_closed_order_is_given_back_once(
    worker, anna, placed, sandbox, tell, told, becomes, ending, method
):
    order, event_id = placed(anna), new_id()
    headers = {"X-Request-ID": f"request-{event_id}"}
    body = {"order_id": str(order.id), "payment_method": method}
    payment = anna.call("POST", "", str(new_id()), json=body, headers=headers).json
    for _ in range(2):
        tell(ending, order, event_id)
    tell("order.expired", order)
    becomes(payment["id"], "refunded")
    assert refunds_of(sandbox, payment["id"]) == [order.total]
    events = told(2, payment)
    assert [event.type for event in events] == ["payment.succeeded", "payment.refunded"]
    assert [event.version for event in events] == [2, 3]
    assert {event.request_id for event in events} == {headers["X-Request-ID"]}
    for event in events:
        Draft202012Validator(SCHEMAS[event.type], format_checker=FormatChecker()).validate(event.data)


def test_a_decline_that_came_late_is_told(worker, anna, placed, becomes, told):
    payment = anna.pay(placed(anna), "pm_card_visa_silent_declined").json
    assert payment["status"] == "processing"
    becomes(payment["id"], "failed")
    [event] = told(1, payment)
    Draft202012Validator(SCHEMAS[event.type], format_checker=FormatChecker()).validate(event.data)
    assert event.data["failure_code"] == "generic_decline"


def test_a_refund_that_was_asked_for_is_executed(worker, anna, admin, placed, sandbox, becomes):
    payment = anna.pay(placed(anna)).json
    assert admin.refund(payment["id"]).json["status"] == "pending"
    becomes(payment["id"], "refunded")
    assert refunds_of(sandbox, payment["id"]) == [payment["amount"]]


def test_two_workers_of_which_one_is_killed_settle_each_payment_once(
    worker, quick, tmp_path, anna, placed, sandbox, told, becomes
):
    other = ServiceProcess(WORKER, quick, tmp_path / "log")
    other.start()
    with ThreadPoolExecutor(6) as threads:
        paid = list(threads.map(lambda order: anna.pay(order, SILENT).json, [placed(anna) for _ in range(6)]))
    other.kill()
    for payment in paid:
        becomes(payment["id"], "succeeded")
        assert [intent.status for intent in sandbox.intents_of(payment["id"])] == ["succeeded"]
    events = told(6, *paid)
    assert Counter(event.type for event in events) == {"payment.succeeded": 6}
