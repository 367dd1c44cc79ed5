"""A shop in memory for unit tests."""

import pytest
from memory import Clock, MemoryStore, memory_database
from shop import WINDOW, product

from chassis.testing.doubles import MemoryDatabase
from orders.service import Catalogue, Orders


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(clock) -> MemoryDatabase[MemoryStore]:
    there = memory_database(clock)
    for each in (product("TEA-1", price=500, stock=10), product("CUP-1", price=1250, stock=3)):
        there.tables.products[each.sku] = each
    return there


@pytest.fixture
def orders(database) -> Orders:
    return Orders(database, "EUR", WINDOW)


@pytest.fixture
def catalogue(database) -> Catalogue:
    return Catalogue(database, "EUR")
