"""A shopper buys: the way to a PAID order, and what happens when it goes another way."""

import json

import pytest
from shop import CARD, DECLINED, WITHOUT_MONEY, new_key, register, stock_of, until


def test_a_paid_order_turns_paid_by_itself(shopper, sku):
    order = shopper.order(sku, quantity=2)
    assert (order["status"], order["total"], order["currency"]) == ("PENDING", 2 * 1999, "EUR")
    payment = shopper.pay(order)
    assert payment.status_code == 201, payment.text
    assert (payment.json()["status"], payment.json()["amount"]) == ("succeeded", order["total"])
    shopper.until_status(order, "PAID")


def test_an_order_can_be_followed_while_it_is_paid(shopper, sku):
    order = shopper.order(sku)
    with shopper.get(f"/api/v1/orders/{order['id']}/events", stream=True) as stream:
        seen = (json.loads(line[6:])["status"] for line in stream.iter_lines() if line.startswith(b"data: "))
        assert next(seen) == "PENDING"
        assert shopper.pay(order).status_code == 201
        assert next(seen) == "PAID"


def test_the_stock_shrinks_with_an_order_and_grows_back_when_it_is_cancelled(shopper, admin, sku):
    order = shopper.order(sku, quantity=3)
    assert stock_of(shopper, sku) == 97
    cancelled = shopper.post(f"/api/v1/orders/{order['id']}/cancel", {})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELLED")
    assert stock_of(shopper, sku) == 100


@pytest.mark.parametrize("card", [DECLINED, WITHOUT_MONEY])
def test_a_refused_card_leaves_the_order_waiting_for_another(shopper, sku, card):
    order = shopper.order(sku)
    refused = shopper.pay(order, card)
    assert (refused.status_code, refused.json()["code"]) == (402, "card_declined")
    assert shopper.status(order) == "PENDING"
    assert shopper.pay(order, CARD).status_code == 201
    shopper.until_status(order, "PAID")


def test_a_paid_order_that_is_cancelled_is_refunded(shopper, sku):
    order = shopper.order(sku)
    payment = shopper.pay(order).json()
    shopper.until_status(order, "PAID")
    assert shopper.post(f"/api/v1/orders/{order['id']}/cancel", {}).json()["status"] == "CANCELLED"
    shopper.until_status(order, "REFUNDED")
    until(lambda: shopper.get(f"/api/v1/payments/{payment['id']}").json()["status"] == "refunded")


def test_the_administrator_refunds_a_payment(shopper, admin, sku):
    order = shopper.order(sku)
    payment = shopper.pay(order).json()
    refund = admin.post(f"/api/v1/payments/{payment['id']}/refunds", {})
    assert (refund.status_code, refund.json()["amount"]) == (201, payment["amount"])
    until(lambda: shopper.get(f"/api/v1/payments/{payment['id']}").json()["status"] == "refunded")


def test_one_key_makes_one_order_and_one_payment(shopper, sku):
    body, key = {"items": [{"sku": sku, "quantity": 1}]}, new_key()
    first, again = (shopper.post("/api/v1/orders", body, key) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(shopper.get("/api/v1/orders").json()["data"]) == 1
    paid, repeated = (shopper.pay(first.json(), key=key) for _ in range(2))
    assert (paid.status_code, paid.json()) == (repeated.status_code, repeated.json())
    assert len(shopper.get("/api/v1/payments").json()["data"]) == 1


def test_more_than_there_is_cannot_be_ordered(shopper, admin, sku):
    admin.put_product(sku, stock=1)
    refused = shopper.post("/api/v1/orders", {"items": [{"sku": sku, "quantity": 2}]})
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert stock_of(shopper, sku) == 1


def test_another_shopper_sees_nothing_of_an_order(shopper, anyone, sku):
    order = shopper.order(sku)
    payment = shopper.pay(order).json()
    other = register(anyone)
    assert other.get(f"/api/v1/orders/{order['id']}").json()["code"] == "order_not_found"
    assert other.get(f"/api/v1/payments/{payment['id']}").json()["code"] == "payment_not_found"
    assert other.post(f"/api/v1/orders/{order['id']}/cancel", {}).status_code == 404
    assert other.pay(order).json()["code"] == "order_not_found"
    assert other.get("/api/v1/orders").json()["data"] == []


def test_a_shopper_is_told_what_happened(shopper, sku):
    order = shopper.order(sku)
    shopper.pay(order)
    shopper.until_status(order, "PAID")
    until(lambda: shopper.get("/api/v1/users/me/notifications").json()["data"])
