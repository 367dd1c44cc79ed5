"""Many at once: nobody gets what is not there, nothing is done twice, nobody waits in a ring."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

import pytest
from callers import Client
from shop import line, once, payment_of

from chassis.errors import Conflict
from orders.domain import OutOfStock, Status
from orders.service import Orders

R = TypeVar("R")

WINDOW = timedelta(hours=1)


def all_at_once(work: Callable[[int], R], number: int) -> list[R]:
    """Do work in as many threads, which all begin together."""
    together = threading.Barrier(number)

    def one(index: int) -> R:
        together.wait(10)
        return work(index)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


def or_refusal(work: Callable[[], R]) -> R | type[Conflict]:
    try:
        return work()
    except Conflict as refusal:
        return type(refusal)


def stock(database, sku="TEA-1") -> int:
    with database.read() as tx:
        return tx.product(sku).stock


def test_fifty_shoppers_get_the_last_ten_pieces_and_not_one_more(orders, database, stocked):
    stocked("TEA-1", stock=10)
    outcomes = all_at_once(
        lambda _: or_refusal(lambda: orders.place_order(uuid4(), [line("TEA-1", 1)], once())), 50
    )
    assert Counter(outcome is OutOfStock for outcome in outcomes) == {True: 40, False: 10}
    assert stock(database) == 0


def test_twenty_identical_requests_are_one_order(app, keys, database, stocked):
    stocked("TEA-1", stock=100)
    anna = uuid4()
    answers = all_at_once(lambda _: Client(app.test_client(), keys, anna).place(("TEA-1", 1), key="one"), 20)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.json["code"] == "request_in_progress"
        assert int(refused.headers["Retry-After"]) > 0
    assert stock(database) == 99


def test_twenty_cancellations_put_the_pieces_back_once(app, keys, database, stocked):
    stocked("TEA-1", stock=10)
    anna = uuid4()
    order_id = Client(app.test_client(), keys, anna).place(("TEA-1", 4)).json["id"]
    answers = all_at_once(
        lambda _: Client(app.test_client(), keys, anna).cancel(order_id, key=str(uuid4())), 20
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    assert stock(database) == 10


def test_orders_for_the_same_products_in_any_order_do_not_block_each_other(orders, database, stocked):
    skus = [f"TEA-{number}" for number in range(8)]
    for sku in skus:
        stocked(sku, stock=1000)
    shuffle = random.Random(7)
    baskets = [shuffle.sample(skus, len(skus)) for _ in range(20)]

    def place(index: int) -> None:
        placed = orders.place_order(uuid4(), [line(sku, 1) for sku in baskets[index]], once())
        orders.cancel_order(placed.user_id, placed.id, once())

    all_at_once(place, 20)
    assert {stock(database, sku) for sku in skus} == {1000}


@pytest.mark.parametrize("expiring", [1, 4])
def test_an_order_is_paid_or_cancelled_or_expired_but_one_of_them(database, stocked, expiring):
    stocked("TEA-1", stock=40)
    shop = Orders(database, "EUR", timedelta(0))
    placed = [shop.place_order(uuid4(), [line("TEA-1", 1)], once()) for _ in range(10)]

    def pay(order):
        with database.transaction() as tx:
            shop.pay_order(tx, payment_of(order))

    work = [lambda order=order: pay(order) for order in placed]
    work += [
        lambda order=order: or_refusal(lambda: shop.cancel_order(order.user_id, order.id, once()))
        for order in placed
    ]
    work += [shop.expire_orders] * expiring
    all_at_once(lambda index: work[index](), len(work))

    ended = Counter(shop.order(order.user_id, order.id).status for order in placed)
    paid = ended.pop(Status.PAID, 0)
    assert set(ended) <= {Status.CANCELLED, Status.EXPIRED}
    assert stock(database) == 40 - paid


def test_a_worker_leaves_the_orders_that_another_one_is_closing(database, stocked):
    stocked("TEA-1", stock=10)
    shop = Orders(database, "EUR", timedelta(0))
    placed = shop.place_order(uuid4(), [line("TEA-1", 1)], once())
    with database.transaction() as other:
        other.lock_order(placed.id)
        assert shop.expire_orders() == 0
    assert shop.expire_orders() == 1


def test_writing_and_telling_are_one_transaction(orders, database, stocked):
    stocked("TEA-1", stock=10)

    class DiesAtTheEnd:
        id = uuid4()

        def begin(self, tx):
            pass

        def end(self, tx, result):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        orders.place_order(uuid4(), [line("TEA-1", 1)], DiesAtTheEnd())
    with database.read() as tx:
        assert tx.conn.execute("SELECT count(*) AS rows FROM outbox").fetchone() == {"rows": 0}
        assert tx.conn.execute("SELECT count(*) AS rows FROM orders").fetchone() == {"rows": 0}
    assert stock(database) == 10
