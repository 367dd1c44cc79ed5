"""Unit tests of how an order goes on: payment, cancelling, expiry, refund."""

from datetime import timedelta
from uuid import uuid4

import pytest
from memory import fake_once
from shop import NOW, WINDOW, line, order, payment_of

from orders.domain import Move, OrderNotCancellable, Status
from orders.service import EXPIRY_BATCH

ANNA = uuid4()


@pytest.fixture
def placed(orders):
    return orders.place_order(ANNA, [line("TEA-1", 4)], fake_once())


def pay(orders, database, payment):
    with database.transaction() as tx:
        orders.pay_order(tx, payment)


def refund(orders, database, payment):
    with database.transaction() as tx:
        orders.refund_order(tx, payment)


def told(database):
    return [event.type for event in database.tables.events]


def test_a_payment_pays_and_is_announced(orders, database, placed):
    pay(orders, database, payment_of(placed))
    assert database.tables.orders[placed.id].status is Status.PAID
    assert told(database) == ["order.placed", "order.paid"]
    assert database.tables.products["TEA-1"].stock == 6


@pytest.mark.parametrize("wrong", [{"amount": 1}, {"currency": "JPY"}, {"order_id": uuid4()}])
def test_a_payment_that_does_not_fit_changes_nothing_and_is_logged(orders, database, placed, caplog, wrong):
    pay(orders, database, payment_of(placed, **wrong))
    assert database.tables.orders == {placed.id: placed}
    assert "payment without effect" in caplog.text


def test_a_second_payment_changes_nothing(orders, database, placed):
    first = payment_of(placed)
    pay(orders, database, first)
    pay(orders, database, first)
    pay(orders, database, payment_of(placed))
    assert database.tables.orders[placed.id].payment_id == first.id
    assert told(database) == ["order.placed", "order.paid"]


@pytest.mark.parametrize("is_paid", [False, True])
def test_cancelling_puts_the_pieces_back(orders, database, placed, is_paid):
    if is_paid:
        pay(orders, database, payment_of(placed))
    cancelled = orders.cancel_order(ANNA, placed.id, fake_once())
    assert cancelled.status is Status.CANCELLED
    assert database.tables.products["TEA-1"].stock == 10
    assert database.tables.events[-1].data["was_paid"] is is_paid


def test_a_cancelled_order_cannot_be_cancelled_again(orders, database, placed):
    orders.cancel_order(ANNA, placed.id, fake_once())
    with pytest.raises(OrderNotCancellable):
        orders.cancel_order(ANNA, placed.id, fake_once())
    assert database.tables.products["TEA-1"].stock == 10


def test_a_payment_after_the_cancellation_changes_nothing(orders, database, placed, caplog):
    cancelled = orders.cancel_order(ANNA, placed.id, fake_once())
    pay(orders, database, payment_of(placed))
    assert database.tables.orders[placed.id] == cancelled
    assert "payment without effect" in caplog.text


def test_the_refund_ends_a_cancelled_order(orders, database, placed):
    payment = payment_of(placed)
    pay(orders, database, payment)
    orders.cancel_order(ANNA, placed.id, fake_once())
    refund(orders, database, payment)
    refund(orders, database, payment)
    assert database.tables.orders[placed.id].status is Status.REFUNDED
    assert told(database) == ["order.placed", "order.paid", "order.cancelled"]
    assert database.tables.products["TEA-1"].stock == 10


def test_the_refund_of_a_paid_order_closes_it(orders, database, placed):
    payment = payment_of(placed)
    pay(orders, database, payment)
    refund(orders, database, payment)
    assert database.tables.orders[placed.id].status is Status.REFUNDED
    assert told(database)[-1] == "order.cancelled"
    assert database.tables.products["TEA-1"].stock == 10


def test_a_refund_of_money_that_paid_nothing_changes_nothing(orders, database, placed, caplog):
    cancelled = orders.cancel_order(ANNA, placed.id, fake_once())
    refund(orders, database, payment_of(placed))
    assert database.tables.orders[placed.id] == cancelled
    assert "refund without effect" in caplog.text


def test_an_order_expires_when_its_time_is_over_and_not_before(orders, database, clock, placed):
    clock.pass_time(WINDOW - timedelta(seconds=1))
    assert orders.expire_orders() == 0
    clock.pass_time(timedelta(seconds=1))
    assert orders.expire_orders() == 1
    assert database.tables.orders[placed.id].status is Status.EXPIRED
    assert database.tables.products["TEA-1"].stock == 10
    assert told(database) == ["order.placed", "order.expired"]


def test_a_paid_order_does_not_expire(orders, database, clock, placed):
    pay(orders, database, payment_of(placed))
    clock.pass_time(2 * WINDOW)
    assert orders.expire_orders() == 0


def test_more_than_a_batch_expires_in_one_run(orders, database, clock):
    due = [order() for _ in range(EXPIRY_BATCH + 1)]
    database.tables.orders = {each.id: each for each in due}
    clock.pass_time(2 * WINDOW)
    assert orders.expire_orders() == EXPIRY_BATCH + 1


def test_only_later_versions_are_told(orders, database, placed):
    other = order(user_id=ANNA)
    database.tables.orders[other.id] = other.moved(Move.EXPIRE, NOW)
    assert orders.changed_since({placed.id: 1, other.id: 1}) == [database.tables.orders[other.id]]
