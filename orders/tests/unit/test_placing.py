"""Unit tests of placing and reading orders."""

from uuid import uuid4

import pytest
from memory import fake_once
from shop import line, product

from chassis.idempotency import Replay
from chassis.paging import decode_cursor
from chassis.testing.doubles import FakeOnce
from orders.domain import TOTAL_MAX, OrderNotFound, OrderTotalTooLarge, OutOfStock, Status, UnknownSku

ANNA, BERT = uuid4(), uuid4()


def place(orders, user_id=ANNA, lines=(("TEA-1", 2),)):
    return orders.place_order(user_id, [line(*each) for each in lines], fake_once())


def test_the_catalogue_sets_the_price_and_the_order_keeps_it(orders, catalogue):
    placed = place(orders, lines=[("CUP-1", 1), ("TEA-1", 2)])
    catalogue.put_product("TEA-1", {"name": "Tea", "description": "", "category": "", "price": 9, "stock": 1})
    assert orders.order(ANNA, placed.id) == placed
    assert [(item.sku, item.unit_price) for item in placed.items] == [("CUP-1", 1250), ("TEA-1", 500)]
    assert placed.total == 2250


def test_the_order_has_the_id_of_its_key_and_is_its_answer(orders):
    once = FakeOnce(present=lambda answer: (201, str(answer.id).encode()))
    placed = orders.place_order(ANNA, [line()], once)
    assert placed.id == once.id
    with pytest.raises(Replay) as replay:
        orders.place_order(ANNA, [line()], once)
    assert replay.value.body == str(placed.id).encode()


def test_ordered_pieces_are_not_for_sale_any_more(orders, database):
    place(orders, lines=[("TEA-1", 4), ("CUP-1", 3)])
    assert {sku: each.stock for sku, each in database.tables.products.items()} == {"TEA-1": 6, "CUP-1": 0}


def test_an_order_that_cannot_be_served_whole_takes_nothing(orders, database):
    with pytest.raises(OutOfStock):
        place(orders, lines=[("TEA-1", 4), ("CUP-1", 4)])
    assert database.tables.products["TEA-1"].stock == 10
    assert database.tables.orders == {}
    assert database.tables.events == []


def test_what_nobody_sells_cannot_be_ordered(orders):
    with pytest.raises(UnknownSku):
        place(orders, lines=[("TEA-1", 1), ("NOTHING", 1)])


def test_what_is_priced_in_another_currency_is_not_for_sale(orders, database):
    database.tables.products["YEN-1"] = product("YEN-1", currency="JPY")
    with pytest.raises(UnknownSku):
        place(orders, lines=[("YEN-1", 1)])


def test_an_order_comes_to_no_more_than_can_be_paid_at_once(orders, database):
    database.tables.products["GEM-1"] = product("GEM-1", price=TOTAL_MAX, stock=2)
    assert place(orders, lines=[("GEM-1", 1)]).total == TOTAL_MAX
    with pytest.raises(OrderTotalTooLarge) as refused:
        place(orders, lines=[("GEM-1", 1), ("TEA-1", 1)])
    assert [error.pointer for error in refused.value.errors] == ["/items"]
    assert database.tables.products["GEM-1"].stock == 1


def test_another_users_order_does_not_exist(orders):
    placed = place(orders, BERT)
    with pytest.raises(OrderNotFound):
        orders.order(ANNA, placed.id)
    with pytest.raises(OrderNotFound):
        orders.cancel_order(ANNA, placed.id, fake_once())
    assert orders.order(BERT, placed.id).status is Status.PENDING


def test_own_orders_are_listed_page_by_page_newest_first(orders):
    placed = [place(orders, lines=[("TEA-1", 1)]) for _ in range(5)]
    place(orders, BERT)
    first = orders.orders(ANNA, None, 3)
    second = orders.orders(ANNA, decode_cursor(first.next_cursor), 3)
    assert [*first.items, *second.items] == placed[::-1]
    assert second.next_cursor is None


def test_a_page_that_ends_with_the_last_order_has_no_next_one(orders):
    place(orders)
    assert orders.orders(ANNA, None, 1).next_cursor is None


def test_placing_is_announced(orders, database):
    placed = place(orders)
    event = database.tables.events[-1]
    assert (event.type, event.aggregate_id, event.version) == ("order.placed", placed.id, 1)
