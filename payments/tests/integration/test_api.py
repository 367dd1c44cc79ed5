"""The service as its clients see it: paying, reading, refunding, and every refusal."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"
SHOWN = {"id", "order_id", "status", "amount", "currency", "failure_code", "created_at", "updated_at"}


def test_a_payment_is_made_shown_and_listed(anna, placed, sandbox):
    order = placed(anna, total=4200)
    made = anna.pay(order)
    assert made.status_code == 201
    assert set(made.json) == SHOWN
    assert (made.json["status"], made.json["amount"], made.json["currency"]) == ("succeeded", 4200, "EUR")
    assert made.json["created_at"].endswith("Z")
    [intent] = sandbox.intents_of(made.json["id"])
    assert (intent.status, intent.amount, intent.metadata.to_dict()["order_id"]) == (
        "succeeded",
        4200,
        str(order.id),
    )
    assert anna.call("GET", f"/{made.json['id']}").json == made.json
    assert anna.call("GET", "").json == {"data": [made.json], "next_cursor": None}


def test_a_decline_is_402_and_replayed_byte_for_byte(anna, placed):
    order = placed(anna)
    first, second = (anna.pay(order, DECLINED, key="declined") for _ in range(2))
    assert (first.status_code, first.json["code"]) == (402, "card_declined")
    assert "insufficient_funds" in first.json["detail"]
    assert (second.status_code, second.data) == (402, first.data)
    assert second.headers["Idempotent-Replayed"] == "true"
    [failed] = anna.call("GET", "").json["data"]
    assert (failed["status"], failed["failure_code"]) == ("failed", "insufficient_funds")


def test_twenty_identical_requests_at_once_charge_once(app, anna, placed, sandbox):
    order = placed(anna)
    with ThreadPoolExecutor(20) as threads:
        client = replace(anna, http=None)
        answers = list(
            threads.map(lambda _: replace(client, http=app.test_client()).pay(order, key="twenty"), range(20))
        )
    told = {answer.data for answer in answers if answer.status_code == 201}
    others = [answer for answer in answers if answer.status_code != 201]
    assert len(told) == 1
    assert {(each.status_code, each.json["code"]) for each in others} <= {(409, "request_in_progress")}
    assert all(each.headers["Retry-After"] for each in others)
    assert anna.pay(order, key="twenty").data in told
    [payment] = anna.call("GET", "").json["data"]
    [intent] = sandbox.intents_of(payment["id"])
    assert intent.amount_received == order.total


def test_twenty_keys_at_once_charge_an_order_once(app, anna, placed, sandbox):
    order = placed(anna)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: replace(anna, http=app.test_client()).pay(order), range(20)))
    assert sorted({answer.status_code for answer in answers}) == [201, 409]
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"payment_exists"}
    [payment] = anna.call("GET", "").json["data"]
    assert len(sandbox.intents_of(payment["id"])) == 1


def test_a_key_is_for_one_body_and_one_caller(app, anna, keys, placed):
    bert = replace(anna, http=app.test_client(), user_id=uuid4())
    first, second = placed(anna), placed(bert)
    assert anna.pay(first, key="key").status_code == 201
    assert bert.pay(second, key="key").status_code == 201
    reused = anna.pay(placed(anna), key="key")
    assert (reused.status_code, reused.json["code"]) == (422, "idempotency_key_reused")


def test_somebody_elses_payment_and_order_are_not_found(app, anna, placed):
    bert = replace(anna, http=app.test_client(), user_id=uuid4())
    order = placed(anna)
    refused = bert.pay(order)
    assert (refused.status_code, refused.json["code"]) == (404, "order_not_found")
    payment = anna.pay(order).json
    refused = bert.call("GET", f"/{payment['id']}")
    assert (refused.status_code, refused.json["code"]) == (404, "payment_not_found")


def test_a_closed_order_is_refused(anna, orders, placed):
    order = placed(anna)
    orders.known[order.id] = replace(order, open=False)
    refused = anna.pay(order)
    assert (refused.status_code, refused.json["code"]) == (409, "order_not_payable")
    assert anna.call("GET", "").json["data"] == []


def test_without_orders_and_a_copy_the_answer_is_503(anna, orders, placed):
    order = placed(anna)
    orders.down = True
    refused = anna.pay(order)
    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")


def test_only_an_administrator_refunds_and_only_once(admin, anna, placed):
    payment = anna.pay(placed(anna)).json
    assert anna.refund(payment["id"]).status_code == 403
    refund = admin.refund(payment["id"], key="refund")
    assert (refund.status_code, refund.json["status"], refund.json["amount"]) == (201, "pending", 1999)
    assert set(refund.json) == {"id", "payment_id", "amount", "currency", "status", "created_at"}
    assert admin.refund(payment["id"], key="refund").data == refund.data
    refused = admin.refund(payment["id"])
    assert (refused.status_code, refused.json["code"]) == (409, "payment_not_refundable")
    assert admin.refund(str(uuid4())).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"payment_method": "pm_card_visa"}, "/order_id"),
        ({"order_id": "1", "payment_method": "pm_card_visa"}, "/order_id"),
        ({"order_id": str(uuid4()), "payment_method": "4242424242424242"}, "/payment_method"),
        ({"order_id": str(uuid4()), "payment_method": "pm_\0"}, "/payment_method"),
        ({"order_id": str(uuid4()), "payment_method": "pm_card_visa", "amount": 1}, "/amount"),
        ([], ""),
    ],
)
def test_a_wrong_body_is_refused_with_a_pointer_to_the_field(anna, body, pointer):
    refused = anna.call("POST", "", str(uuid4()), json=body)
    assert (refused.status_code, refused.json["code"]) == (422, "validation_failed")
    assert [each["pointer"] for each in refused.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"data": "{", "content_type": "application/json"}, 400, "malformed_json"),
        ({"data": '{"order_id": NaN}', "content_type": "application/json"}, 400, "malformed_json"),
        ({"data": "x", "content_type": "text/plain"}, 415, "unsupported_media_type"),
        ({"data": " " * 70_000, "content_type": "application/json"}, 413, "body_too_large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(anna, options, status, code):
    refused = anna.call("POST", "", str(uuid4()), **options)
    assert (refused.status_code, refused.json["code"]) == (status, code)


def test_a_request_without_a_key_or_an_assertion_is_refused(app, anna, placed):
    body = {"order_id": str(placed(anna).id), "payment_method": "pm_card_visa"}
    refused = anna.call("POST", "", json=body)
    assert (refused.status_code, refused.json["code"]) == (400, "idempotency_key_missing")
    refused = app.test_client().post("/api/v1/payments", json=body, headers={"Idempotency-Key": "key"})
    assert (refused.status_code, refused.json["code"]) == (401, "assertion_missing")


@pytest.mark.parametrize("issuer", ["orders", "payments"])
def test_only_the_gateway_may_call(app, keys, issuer):
    headers = keys.headers("payments", uuid4(), issuer=issuer)
    refused = app.test_client().get("/api/v1/payments", headers=headers)
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
