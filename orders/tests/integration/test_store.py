"""The contract of the store, held by PostgreSQL and by the double of the unit tests alike."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from memory import memory_database
from shop import NOW, line, order, payment_of, product

from orders.domain import Item, Loaded, Move, Product

ANNA = uuid4()


@pytest.fixture(params=["postgres", "memory"])
def store(request):
    return request.getfixturevalue("database") if request.param == "postgres" else memory_database()


@pytest.fixture
def shelf(store) -> dict[str, Product]:
    there = [product("TEA-1", stock=10), product("CUP-1", stock=3, price=1250), product("POT-1", stock=0)]
    with store.transaction() as tx:
        return {each.sku: tx.put_product(each) for each in there}


def add(store, *orders):
    with store.transaction() as tx:
        for each in orders:
            tx.add_order(each)


def stock(store, sku="TEA-1") -> int:
    with store.read() as tx:
        return tx.product(sku).stock


def test_a_product_is_found_by_its_sku(store, shelf):
    with store.read() as tx:
        assert tx.product("TEA-1") == shelf["TEA-1"]
        assert tx.product("NONE") is None


def test_a_product_put_again_keeps_its_id(store, shelf):
    with store.transaction() as tx:
        put = tx.put_product(product("TEA-1", price=7))
    assert (put.id, put.price) == (shelf["TEA-1"].id, 7)
    with store.read() as tx:
        assert tx.product("TEA-1") == put


def test_products_are_listed_in_the_order_they_came(store, shelf):
    with store.read() as tx:
        assert tx.products_after(None, 2) == [shelf["TEA-1"], shelf["CUP-1"]]
        assert tx.products_after(shelf["CUP-1"].id, 2) == [shelf["POT-1"]]
        assert tx.products_after(UUID(int=2**128 - 1), 2) == []


def test_loading_tells_what_it_did(store, shelf):
    incoming = [
        replace(shelf["TEA-1"], id=uuid4(), updated_at=NOW + timedelta(days=1)),
        replace(shelf["CUP-1"], id=uuid4(), price=1),
        product("NEW-2"),
        product("NEW-1"),
    ]
    with store.transaction() as tx:
        assert tx.load_products(iter(incoming)) == Loaded(added=2, changed=1, unchanged=1)
    with store.read() as tx:
        assert tx.product("TEA-1") == shelf["TEA-1"]
        assert tx.product("CUP-1") == replace(shelf["CUP-1"], price=1)
        assert tx.product("NEW-1") == incoming[3]


def test_a_load_that_breaks_off_leaves_nothing_behind(store, shelf):
    def broken():
        yield product("NEW-1")
        raise ValueError

    with pytest.raises(ValueError), store.transaction() as tx:
        tx.load_products(broken())
    with store.transaction() as tx:
        assert tx.load_products(iter([])) == Loaded(0, 0, 0)
        assert tx.product("NEW-1") is None


def test_reserving_takes_the_pieces_of_each_line_that_has_enough(store, shelf):
    with store.transaction() as tx:
        reserved = tx.reserve([line("TEA-1", 10), line("POT-1", 1), line("NONE", 1), line("CUP-1", 2)], "EUR")
    assert reserved == [
        Item("TEA-1", shelf["TEA-1"].name, 10, 500),
        Item("CUP-1", shelf["CUP-1"].name, 2, 1250),
    ]
    assert (stock(store, "TEA-1"), stock(store, "CUP-1"), stock(store, "POT-1")) == (0, 1, 0)


def test_what_is_priced_in_another_currency_is_neither_reserved_nor_known(store, shelf):
    with store.transaction() as tx:
        assert tx.reserve([line("TEA-1", 1)], "JPY") == []
        assert tx.known_skus({"TEA-1"}, "JPY") == set()
        assert tx.known_skus({"TEA-1", "POT-1", "NONE"}, "EUR") == {"TEA-1", "POT-1"}


def test_released_pieces_are_back(store, shelf):
    with store.transaction() as tx:
        tx.release([Item("TEA-1", "Tea", 2, 500), Item("CUP-1", "Cup", 1, 500), Item("TEA-1", "Tea", 3, 500)])
        tx.release([])
    assert (stock(store, "TEA-1"), stock(store, "CUP-1")) == (15, 4)


def test_an_order_is_read_as_it_was_written(store, shelf):
    placed = order(Item("TEA-1", "Tea", 2, 500), Item("CUP-1", 'A "cup"', 1, 1250))
    add(store, placed)
    with store.transaction() as tx:
        assert tx.order(placed.id) == tx.lock_order(placed.id) == placed
        assert tx.order(uuid4()) is None
        assert tx.lock_order(uuid4()) is None


def test_moves_are_read_as_they_were_saved(store, shelf):
    placed, other = order(), order()
    add(store, placed, other)
    paid = placed.paid_by(payment_of(placed), NOW + timedelta(minutes=1))
    with store.transaction() as tx:
        tx.save_orders([paid, paid.moved(Move.CANCEL, NOW)])
    with store.read() as tx:
        assert tx.order(placed.id) == paid.moved(Move.CANCEL, NOW)
        assert tx.order(other.id) == other


def test_orders_of_a_user_come_newest_first(store, shelf):
    placed = [order(user_id=ANNA) for _ in range(3)]
    add(store, *placed, order())
    with store.read() as tx:
        assert tx.orders_before(None, ANNA, 2) == [placed[2], placed[1]]
        assert tx.orders_before(placed[1].id, ANNA, 2) == [placed[0]]
        assert tx.orders_before(UUID(int=0), ANNA, 2) == []


def test_only_later_versions_have_changed(store, shelf):
    placed, other = order(), order()
    add(store, placed, other)
    expired = placed.moved(Move.EXPIRE, NOW)
    with store.transaction() as tx:
        tx.save_orders([expired])
    with store.read() as tx:
        assert tx.orders_changed_since({placed.id: 1, other.id: 1, uuid4(): 1}) == [expired]
        assert tx.orders_changed_since({placed.id: 2}) == []
        assert tx.orders_changed_since({}) == []


def test_only_pending_orders_whose_time_is_over_are_due(store, shelf):
    with store.transaction() as tx:
        now = tx.now
    due = [order(expires_at=now - timedelta(seconds=age)) for age in (1, 2, 3)]
    late_but_paid = replace(order(expires_at=now - timedelta(seconds=9)))
    add(store, *due, late_but_paid, order(expires_at=now + timedelta(minutes=1)))
    with store.transaction() as tx:
        tx.save_orders([late_but_paid.paid_by(payment_of(late_but_paid), now)])
        assert tx.lock_due_orders(2) == [due[2], due[1]]
        assert tx.lock_due_orders(9) == [due[2], due[1], due[0]]


def test_what_fails_is_undone(store, shelf):
    placed = order()
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.reserve([line("TEA-1", 1)], "EUR")
        tx.add_order(placed)
        _ = 1 / 0
    with store.read() as tx:
        assert tx.order(placed.id) is None
    assert stock(store) == 10
