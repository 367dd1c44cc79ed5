"""Whatever a client sends wrong: a problem document with a stable code and a pointer, and nothing has changed."""

import base64
import json

import pytest
from shop import Client, new_key, until

ORDERS = "/api/v1/orders"
LARGEST_BODY = 65536


def items(**item: object) -> dict[str, object]:
    return {"items": [{"sku": "E2E-NOTHING", "quantity": 1} | item]}


def key() -> dict[str, str]:
    return {"Idempotency-Key": new_key()}


FIELDS = {
    "quantity of zero": (items(quantity=0), "/items/0/quantity"),
    "negative quantity": (items(quantity=-1), "/items/0/quantity"),
    "a million": (items(quantity=1_000_000), "/items/0/quantity"),
    "a huge number": (items(quantity=10**30), "/items/0/quantity"),
    "quantity as text": (items(quantity="1"), "/items/0/quantity"),
    "quantity as fraction": (items(quantity=1.5), "/items/0/quantity"),
    "quantity as truth": (items(quantity=True), "/items/0/quantity"),
    "quantity missing": ({"items": [{"sku": "E2E-NOTHING"}]}, "/items/0/quantity"),
    "a price of one's own": (items(price=1), "/items/0/price"),
    "NUL in a text": (items(sku="E2E\x00"), "/items/0/sku"),
    "number for a text": (items(sku=7), "/items/0/sku"),
    "nothing ordered": ({"items": []}, "/items"),
    "an unknown field": (items() | {"status": "PAID"}, "/status"),
    "a list for an object": ([], ""),
}


@pytest.mark.parametrize("body, pointer", FIELDS.values(), ids=FIELDS)
def test_a_wrong_field_is_pointed_at(shopper, body, pointer):
    answer = shopper.post(ORDERS, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert_nothing_changed(shopper)


WHOLES = {
    "broken JSON": (b'{"items": [', {}, 400, "malformed_json"),
    "NaN": (b'{"items": [{"sku": "E2E-NOTHING", "quantity": NaN}]}', {}, 400, "malformed_json"),
    "not UTF-8": (b'{"items": "\xff"}', {}, 400, "malformed_json"),
    "no body": (b"", {}, 400, "malformed_json"),
    "another content type": (b"items=1", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    "over the limit": (b" " * (LARGEST_BODY + 1), {}, 413, "body_too_large"),
    "no key": (json.dumps(items()).encode(), {"Idempotency-Key": None}, 400, "idempotency_key_missing"),
    "an endless key": (
        json.dumps(items()).encode(),
        {"Idempotency-Key": "k" * 256},
        400,
        "idempotency_key_malformed",
    ),
    "an unknown SKU": (json.dumps(items()).encode(), {}, 409, "unknown_sku"),
}


@pytest.mark.parametrize("data, headers, status, code", WHOLES.values(), ids=WHOLES)
def test_a_wrong_request_is_refused(shopper, data, headers, status, code):
    sent = {"Content-Type": "application/json"} | key() | headers
    answer = shopper.call("POST", ORDERS, data=data, headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert_nothing_changed(shopper)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/orders/7", 404, "not_found"),
        ("GET", "/api/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057", 404, "order_not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/readyz", 404, "not_found"),
        ("DELETE", "/api/v1/orders", 405, "method_not_allowed"),
        ("GET", "/api/v1/orders?limit=0", 422, "validation_failed"),
        ("GET", "/api/v1/orders?limit=1&limit=2", 422, "validation_failed"),
        ("GET", "/api/v1/orders?surprise=1", 422, "validation_failed"),
        ("GET", "/api/v1/orders?cursor=nowhere", 422, "validation_failed"),
        ("GET", "/api/v1/users", 403, "forbidden"),
    ],
)
def test_a_wrong_address_is_refused(shopper, method, path, status, code):
    answer = shopper.call(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def forged(token: str) -> str:
    """The same token for somebody else, with the signature it had."""
    header, _, signature = token.split(".")
    claims = base64.urlsafe_b64encode(
        json.dumps({"sub": new_key(), "roles": ["admin"], "aud": "souk"}).encode()
    )
    return f"{header}.{claims.rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize("token", ["nonsense", "e30.e30.", "forged"])
def test_a_token_that_is_none_opens_nothing(shopper, anyone, token):
    spoiled = Client(anyone.gateway_url, forged(shopper.token) if token == "forged" else token)
    for answer in (spoiled.get(ORDERS), spoiled.get("/api/v1/users")):
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_a_token_there_are_products_and_nothing_else(anyone):
    assert anyone.get("/api/v1/products").status_code == 200
    assert anyone.get(ORDERS).status_code == 401
    assert anyone.post(ORDERS, items()).status_code == 401


def test_a_closed_order_is_neither_paid_nor_cancelled_again(shopper, sku):
    order = shopper.order(sku)
    assert shopper.post(f"{ORDERS}/{order['id']}/cancel", {}).status_code == 200
    again = shopper.post(f"{ORDERS}/{order['id']}/cancel", {})
    assert (again.status_code, again.json()["code"]) == (409, "order_not_cancellable")
    unpaid = until(lambda: refusal_of(shopper, order))
    assert unpaid == (409, "order_not_payable")


def refusal_of(shopper: Client, order: dict) -> tuple[int, str]:
    answer = shopper.pay(order)
    return answer.status_code, answer.json().get("code", "")


def test_the_same_key_with_another_body_is_refused(shopper, sku):
    used = new_key()
    assert shopper.post(ORDERS, {"items": [{"sku": sku, "quantity": 1}]}, used).status_code == 201
    answer = shopper.post(ORDERS, {"items": [{"sku": sku, "quantity": 2}]}, used)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_what_was_refused_is_in_the_log(embedded, shopper):
    answer = shopper.post(ORDERS, items(quantity=0))
    request_id = answer.json()["request_id"]
    until(lambda: [line for line in embedded.log_lines("orders") if line.get("request_id") == request_id])


def assert_nothing_changed(shopper: Client) -> None:
    assert shopper.get(ORDERS).json()["data"] == []
