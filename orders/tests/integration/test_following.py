"""Following orders over HTTP, on the web process as it is deployed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from processes import WEB, free_address, running
from shop import line, once, payment_of, product

from chassis.ids import new_id
from chassis.postgres import Database
from orders.feed import FAREWELL
from orders.postgres import Store
from orders.service import Orders
from orders.settings import Settings

ANNA = new_id()
FOLLOWERS = 20


@pytest.fixture(scope="module")
def settings(make_settings) -> Settings:
    return make_settings(bind=free_address(), web_processes=1, db_pool_max_size=2)


@pytest.fixture(scope="module")
def database(settings):
    there = Database(settings, Store)
    with there.transaction() as tx:
        tx.put_product(product("TEA-1", stock=1000))
    yield there
    there.close()


@pytest.fixture(scope="module")
def orders(database) -> Orders:
    return Orders(database, "EUR", timedelta(hours=1))


@pytest.fixture
def web(settings, tmp_path):
    with running(WEB, settings, settings.bind, tmp_path / "log") as process:
        yield process


@pytest.fixture
def placed(orders):
    return orders.place_order(ANNA, [line("TEA-1", 1)], once())


@pytest.fixture
def ask(settings, keys):
    """Ask as Anna; the answer is read as it comes."""

    @contextmanager
    def ask(path: str) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(settings.bind, timeout=10)
        connection.request("GET", f"/api/v1{path}", headers=keys.headers("orders", ANNA))
        try:
            yield connection.getresponse()
        finally:
            connection.close()

    return ask


def next_status(stream: http.client.HTTPResponse) -> str:
    while not (told := stream.readline()).startswith(b"data: "):
        assert told, "the stream has ended"
    return json.loads(told.removeprefix(b"data: "))["status"]


def test_every_follower_is_told_and_none_holds_a_connection_of_the_pool(web, orders, placed, ask, database):
    payment = payment_of(placed)
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(ask(f"/orders/{placed.id}/events")) for _ in range(FOLLOWERS)]
        assert {stream.headers["Content-Type"] for stream in streams} == {"text/event-stream"}
        assert [next_status(stream) for stream in streams] == ["PENDING"] * FOLLOWERS
        with ask(f"/orders/{placed.id}") as answer:
            assert answer.status == 200
        with database.transaction() as tx:
            orders.pay_order(tx, payment)
        assert [next_status(stream) for stream in streams] == ["PAID"] * FOLLOWERS
        orders.cancel_order(ANNA, placed.id, once())
        assert [next_status(stream) for stream in streams] == ["CANCELLED"] * FOLLOWERS
        with database.transaction() as tx:
            orders.refund_order(tx, payment)
        assert [next_status(stream) for stream in streams] == ["REFUNDED"] * FOLLOWERS
        assert [stream.read() for stream in streams] == [b"\n" + FAREWELL] * FOLLOWERS


def test_a_process_that_stops_sends_its_followers_away(web, placed, ask):
    with ask(f"/orders/{placed.id}/events") as stream:
        assert next_status(stream) == "PENDING"
        web.terminate()
        assert stream.read() == b"\n"
        assert web.wait(10) == 0
