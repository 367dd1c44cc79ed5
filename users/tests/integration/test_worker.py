"""The worker between a real PostgreSQL and a real NATS."""

import asyncio
import json
from datetime import UTC, datetime

import nats
import pytest
from running import free_port, running

from chassis.events import Received, from_wire, subject_of, to_wire
from chassis.ids import new_id


@pytest.fixture
def worker(env, postgres, nats_server, tmp_path):
    address = f"127.0.0.1:{free_port()}"
    told = env | {"USERS_NATS_URL": nats_server.url, "USERS_WORKER_BIND": address}
    with running(["users.worker"], told, tmp_path / "log", f"http://{address}/readyz"):
        yield


def publish(url, producer, *events):
    async def send():
        client = await nats.connect(url)
        js = client.jetstream()
        await js.add_stream(name=producer.upper(), subjects=[f"souk.{producer}.>"])
        for event in events:
            await js.publish(subject_of(producer, event.type), to_wire(event))
        await client.close()

    asyncio.run(send())


def received_by_others(url, user_id, count):
    """The first events about a user that anybody who listens gets."""

    async def take():
        client = await nats.connect(url)
        subscription = await client.jetstream().subscribe("souk.users.>", ordered_consumer=True)
        events = []
        while len(events) < count:
            event = from_wire((await subscription.next_msg(timeout=10)).data)
            if str(event.aggregate_id) == user_id:
                events.append(event)
        await client.close()
        return events

    return asyncio.run(take())


def told_by(producer, type_, ada) -> Received:
    return Received(
        id=new_id(),
        type=type_,
        source=f"/souk/{producer}",
        aggregate_id=new_id(),
        version=1,
        data={"order_id": str(new_id()), "user_id": ada["id"]},
        request_id="request-1",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        time=datetime.now(UTC),
    )


def test_orders_and_payments_reach_the_user_as_notifications(worker, gateway, nats_server, until):
    ada = gateway.register()
    placed, paid = told_by("orders", "order.placed", ada), told_by("orders", "order.paid", ada)
    refunded = told_by("payments", "payment.refunded", ada)
    publish(nats_server.url, "orders", placed, placed, paid)
    publish(nats_server.url, "payments", refunded)

    def told():
        return gateway.call("GET", "/api/v1/users/me/notifications", user=ada["id"]).json["data"]

    until(lambda: len(told()) == 3, timeout_seconds=15)
    assert [each["id"] for each in told()] == [str(each.id) for each in (refunded, paid, placed)]
    assert told()[1] == {
        "id": str(paid.id),
        "type": "order.paid",
        "order_id": paid.data["order_id"],
        "title": "Your order is paid.",
        "created_at": told()[1]["created_at"],
    }


def test_what_happens_to_an_account_is_told_in_order_with_the_request_that_caused_it(
    worker, gateway, nats_server
):
    ada = gateway.register()
    gateway.call("DELETE", "/api/v1/users/me", user=ada["id"], headers={"X-Request-ID": "request-2"})
    registered, deleted = received_by_others(nats_server.url, ada["id"], count=2)
    assert [registered.type, deleted.type] == ["user.registered", "user.deleted"]
    assert (deleted.version, deleted.request_id) == (2, "request-2")
    assert "ada@example.com" not in json.dumps([dict(registered.data), dict(deleted.data)])
