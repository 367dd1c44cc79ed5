"""Idempotency keys as they come from outside, byte for byte: bad ones are refused with a code, and nothing changes."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from shop import Client

ORDERS = "/api/v1/orders"
KEYS = {
    "none": ([], "idempotency_key_missing"),
    "empty": ([b""], "idempotency_key_malformed"),
    "an empty string": ([b'""'], "idempotency_key_malformed"),
    "256 characters": ([b"k" * 256], "idempotency_key_malformed"),
    "10,000 characters": ([b"k" * 10_000], "idempotency_key_malformed"),
    "a control character": ([b"a\x01b"], "malformed_request"),
    "DEL": ([b"a\x7fb"], "malformed_request"),
    "not ASCII": ([b"schl\xc3\xbcssel"], "idempotency_key_malformed"),
    "never closed": ([b'"k'], "idempotency_key_malformed"),
    "two headers": ([b"one", b"two"], "malformed_request"),
    "two strings": ([b'"one", "two"'], "idempotency_key_malformed"),
}


def post(shopper: Client, body: object, keys: list[bytes]) -> tuple[int, dict, bytes]:
    """Order with header fields that no client library would send: status, headers, body."""
    address = urlsplit(shopper.gateway_url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    sent = json.dumps(body).encode()
    connection.putrequest("POST", ORDERS)
    for name, value in (("Authorization", f"Bearer {shopper.token}"), ("Content-Type", "application/json")):
        connection.putheader(name, value)
    for key in keys:
        connection.putheader("Idempotency-Key", key)
    connection.putheader("Content-Length", str(len(sent)))
    connection.endheaders(sent)
    answer = connection.getresponse()
    told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return told


@pytest.mark.parametrize("keys, code", KEYS.values(), ids=KEYS)
def test_a_bad_key_is_refused(shopper, sku, keys, code):
    status, headers, body = post(shopper, {"items": [{"sku": sku, "quantity": 1}]}, keys)
    assert (status, json.loads(body)["code"]) == (400, code)
    assert headers["content-type"] == "application/problem+json"
    assert shopper.get(ORDERS).json()["data"] == []


def test_a_quoted_key_is_the_same_as_a_bare_one(shopper, sku):
    wanted = {"items": [{"sku": sku, "quantity": 1}]}
    first, second = (post(shopper, wanted, [key]) for key in (b"one-key", b'"one-key"'))
    assert (first[0], second[2]) == (201, first[2])
    assert second[1]["idempotent-replayed"] == "true"
    assert len(shopper.get(ORDERS).json()["data"]) == 1
