"""Amounts that the provider does not take: refused as what they are, for good, and nothing is charged."""


def test_an_amount_that_no_payment_can_be_of_is_no_declined_card(anna, placed, sandbox):
    order = placed(anna, total=100_000_000)
    first, again = (anna.pay(order, key="large") for _ in range(2))
    assert (first.status_code, first.json["code"]) == (409, "amount_not_payable")
    assert "amount_too_large" in first.json["detail"]
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    [payment] = anna.call("GET", "").json["data"]
    assert (payment["status"], payment["failure_code"]) == ("failed", "amount_too_large")
    assert sandbox.charged_for(order.id) == []


def test_the_largest_amount_is_paid(anna, placed):
    assert anna.pay(placed(anna, total=99_999_999)).json["status"] == "succeeded"
