"""What waits is measured: how much, and for how long."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from shop import line, once, payment_of

from chassis.ids import new_id
from orders.metrics import measure
from orders.service import Orders

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def shelf(stocked):
    stocked("TEA-1", stock=10)


def told(database) -> dict[str, float]:
    measure(database)
    kinds = ("unpaid", "overdue", "refund_owed")
    return {kind: REGISTRY.get_sample_value("orders_open", {"kind": kind}) for kind in kinds}


def test_nothing_waits_in_an_empty_shop(database):
    assert told(database) == {"unpaid": 0, "overdue": 0, "refund_owed": 0}


def test_what_waits_is_told_by_its_kind(database):
    anna = new_id()
    orders = Orders(database, "EUR", HOUR)
    orders.place_order(anna, [line("TEA-1", 1)], once())
    Orders(database, "EUR", -HOUR).place_order(anna, [line("TEA-1", 1)], once())
    paid = orders.place_order(anna, [line("TEA-1", 1)], once())
    with database.transaction() as tx:
        orders.pay_order(tx, payment_of(paid))
    orders.cancel_order(anna, paid.id, once())
    assert told(database) == {"unpaid": 2, "overdue": 1, "refund_owed": 1}
    assert REGISTRY.get_sample_value("orders_open_oldest_seconds", {"kind": "overdue"}) > 3599
