"""Requests that nobody should send: each is answered by a problem document, and changes nothing."""

import json
from uuid import uuid4

import pytest

NO_ORDER = "0193b0c0-0000-7000-8000-000000000000"
GOOD = '{"items": [{"sku": "TEA-1", "quantity": 1}]}'


@pytest.fixture(autouse=True)
def shelf(stocked):
    stocked("TEA-1", stock=10)


@pytest.fixture
def nothing_happened(database):
    """Check after the test that no order, event or key was stored."""
    yield
    with database.read() as tx:
        for table in ("orders", "outbox", "idempotency_keys"):
            assert tx.conn.execute(f"SELECT count(*) AS rows FROM {table}").fetchone()["rows"] == 0
        assert tx.product("TEA-1").stock == 10


pytestmark = pytest.mark.usefixtures("nothing_happened")


def refusal(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(answer.json)
    assert answer.json["status"] == answer.status_code
    return answer.status_code, answer.json["code"]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("", "application/json", (400, "malformed_json")),
        ("{", "application/json", (400, "malformed_json")),
        ("\x00", "application/json", (400, "malformed_json")),
        (GOOD.replace("1}", "NaN}"), "application/json", (400, "malformed_json")),
        (GOOD.replace("1}", "Infinity}"), "application/json", (400, "malformed_json")),
        (GOOD.replace("TEA", r"\ud800"), "application/json", (400, "malformed_json")),
        (GOOD.replace("TEA", r"\u0000"), "application/json", (422, "validation_failed")),
        (GOOD.replace("1}", "0}"), "application/json", (422, "validation_failed")),
        (GOOD.replace("1}", "-1}"), "application/json", (422, "validation_failed")),
        (GOOD.replace("1}", "1000000}"), "application/json", (422, "validation_failed")),
        (GOOD.replace("1}", "1e400}"), "application/json", None),
        (GOOD.replace("1}", f"{10**300}}}"), "application/json", None),
        (GOOD.replace("1}", '"1"}'), "application/json", (422, "validation_failed")),
        ("[" * 2000, "application/json", (400, "malformed_json")),
        ("null", "application/json", (422, "validation_failed")),
        (GOOD, "text/plain", (415, "unsupported_media_type")),
        (GOOD, "application/json; charset=latin-1", (415, "unsupported_media_type")),
        (GOOD, "", (415, "unsupported_media_type")),
        (json.dumps({"items": [], "more": "x" * 70_000}), "application/json", (413, "body_too_large")),
    ],
)
def test_a_bad_body(anna, body, content_type, expected):
    answer = anna.call("POST", "/orders", "key-1", data=body, content_type=content_type)
    if expected is None:  # beyond what JSON numbers can say: not JSON, or a number out of range
        assert refusal(answer) in {(400, "malformed_json"), (422, "validation_failed")}
    else:
        assert refusal(answer) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, (400, "idempotency_key_missing")),
        ("", (400, "idempotency_key_malformed")),
        ("k" * 256, (400, "idempotency_key_malformed")),
        ("k" * 10_000, (400, "idempotency_key_malformed")),
        ("a\x01b", (400, "idempotency_key_malformed")),
        ("a\x7fb", (400, "idempotency_key_malformed")),
        ('"never closed', (400, "idempotency_key_malformed")),
        ("one, two", (400, "idempotency_key_malformed")),
    ],
)
def test_a_bad_key(anna, key, expected):
    assert refusal(anna.call("POST", "/orders", key, json=json.loads(GOOD))) == expected
    assert refusal(anna.call("POST", f"/orders/{uuid4()}/cancel", key)) == expected


def test_two_keys_are_none(anna):
    for path, sent in (("/orders", {"json": json.loads(GOOD)}), (f"/orders/{uuid4()}/cancel", {})):
        answer = anna.call("POST", path, "one", headers={"idempotency-key": "two"}, **sent)
        assert refusal(answer) == (400, "idempotency_key_malformed")


def test_a_cancel_that_says_more_than_its_path(anna):
    answer = anna.call("POST", f"/orders/{uuid4()}/cancel", "key-1", json={"refund": False})
    assert refusal(answer) == (422, "validation_failed")


def test_an_order_of_more_than_can_be_paid_at_once(anna, stocked):
    stocked("GEM-1", price=99_999_999, stock=2)
    answer = anna.place(("TEA-1", 1), ("GEM-1", 1))
    assert refusal(answer) == (409, "order_total_too_large")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/items"]


def test_a_client_cannot_name_its_price_or_be_somebody_else(anna):
    for extra in ({"total": 1}, {"user_id": str(uuid4())}, {"status": "PAID"}):
        assert refusal(anna.call("POST", "/orders", "k", json={**json.loads(GOOD), **extra})) == (
            422,
            "validation_failed",
        )


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/orders/not-a-uuid", (404, "not_found")),
        ("GET", f"/orders/{NO_ORDER}", (404, "order_not_found")),
        ("GET", "/orders/", (404, "not_found")),
        ("GET", "/orders//", (404, "not_found")),
        ("GET", "/orders/%00", (400, "bad_request")),
        ("DELETE", "/orders", (405, "method_not_allowed")),
        ("OPTIONS", "/orders", (405, "method_not_allowed")),
        ("GET", "/orders?limit=1000000", (422, "validation_failed")),
        ("GET", "/orders?cursor=" + "A" * 23, (422, "validation_failed")),
        ("GET", "/orders?limit=%FF", (400, "malformed_query")),
    ],
)
def test_a_bad_address(anna, method, path, expected):
    assert refusal(anna.call(method, path)) == expected


def test_the_order_of_nobody_is_not_cancelled(anna):
    assert refusal(anna.cancel(str(uuid4()))) == (404, "order_not_found")
