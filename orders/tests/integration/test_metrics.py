"""What waits is measured: how much, and for how long."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY
from shop import line, once, payment_of

from chassis.ids import new_id
from orders.metrics import counting, measure
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


def money(kind: str) -> float:
    labels = {"kind": kind, "currency": "EUR"}
    return REGISTRY.get_sample_value("orders_money_minor_units_total", labels) or 0


def test_the_money_of_an_event_that_took_effect_is_counted():
    taken = []
    event = SimpleNamespace(data={"amount": 1370, "currency": "EUR"})
    handlers = counting({"payment.succeeded": lambda tx, told: taken.append(told)})
    before = money("paid"), money("refunded")
    handlers["payment.succeeded"](None, event)
    assert (money("paid"), money("refunded")) == (before[0] + 1370, before[1])
    assert taken == [event]


def test_the_money_of_an_event_that_failed_is_not_counted():
    def fail(tx, event):
        raise ZeroDivisionError

    before = money("paid")
    with pytest.raises(ZeroDivisionError):
        counting({"payment.succeeded": fail})["payment.succeeded"](None, None)
    assert money("paid") == before
