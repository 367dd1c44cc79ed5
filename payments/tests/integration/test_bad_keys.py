"""Idempotency keys that are none: refused with a code, and nothing stored."""

from uuid import uuid4

import pytest
from werkzeug.datastructures import Headers

KEYS = {
    "none": ([], "idempotency_key_missing"),
    "empty": ([""], "idempotency_key_malformed"),
    "an empty string": (['""'], "idempotency_key_malformed"),
    "256 characters": (["k" * 256], "idempotency_key_malformed"),
    "256 characters, quoted": ([f'"{"k" * 256}"'], "idempotency_key_malformed"),
    "10,000 characters": (["k" * 10_000], "idempotency_key_malformed"),
    "a control character": (["a\x01b"], "idempotency_key_malformed"),
    "not ASCII": (["schl\u00fcssel"], "idempotency_key_malformed"),
    "never closed": (['"k'], "idempotency_key_malformed"),
    "two headers": (["one", "two"], "idempotency_key_malformed"),
    "two strings": (['"one", "two"'], "idempotency_key_malformed"),
}


def with_keys(client, path, keys, body=None):
    headers = Headers(client.keys.headers("payments", client.user_id, roles=client.roles))
    for key in keys:
        headers.add("Idempotency-Key", key)
    return client.http.post(f"/api/v1/payments{path}", json=body, headers=headers)


@pytest.mark.parametrize(("sent", "code"), KEYS.values(), ids=KEYS)
def test_a_bad_key_is_refused_and_nothing_is_stored(anna, admin, placed, database, sent, code):
    body = {"order_id": str(placed(anna).id), "payment_method": "pm_card_visa"}
    for answer in (with_keys(anna, "", sent, body), with_keys(admin, f"/{uuid4()}/refunds", sent)):
        assert (answer.status_code, answer.json["code"]) == (400, code)
    with database.read() as one:
        for table in ("payments", "refunds", "idempotency_keys", "outbox"):
            assert one.conn.execute(f"SELECT count(*) AS rows FROM {table}").fetchone()["rows"] == 0


def test_a_quoted_key_is_the_same_as_a_bare_one(anna, placed):
    body = {"order_id": str(placed(anna).id), "payment_method": "pm_card_visa"}
    first, second = (with_keys(anna, "", [key], body) for key in ("one-key", '"one-key"'))
    assert (first.status_code, second.data) == (201, first.data)
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_key_of_255_characters_is_one(anna, placed):
    body = {"order_id": str(placed(anna).id), "payment_method": "pm_card_visa"}
    assert with_keys(anna, "", ["k" * 255], body).status_code == 201
