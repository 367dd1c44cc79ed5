"""A purchase on a stack of its own that sends its traces: one whole trace from the gateway to the last event."""

import re
import uuid

import pytest
from receiver import receiving
from shop import Client, new_key, until
from stacks import given, own

LAST = ("users-worker", "CONSUMER", "process souk.orders.order.paid")


@pytest.fixture(scope="module")
def journey():
    """Spans by service, kind and name of the trace in which an order was paid, and what must be in none of them."""
    if given():
        pytest.skip("where a stack that is given sends its traces is not known")
    with (
        receiving() as receiver,
        own("e2e-traced", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, GATEWAY_TRACE_SHARE="1") as stack,
    ):
        email, password = f"{new_key()}@shopper.example", new_key()
        anyone = Client(stack.gateway_url)
        account = anyone.call(
            "POST", "/api/v1/users", json={"email": email, "password": password, "name": "Jane"}
        )
        shopper = anyone.sign_in(email, password)
        sku = anyone.get("/api/v1/products?limit=1").json()["data"][0]["sku"]
        paid = shopper.pay(order := shopper.order(sku))
        shopper.until_status(order, "PAID")
        request_id = paid.headers["X-Request-ID"]

        def trace():
            of_it = [each for each in receiver.spans if each.told.get("souk.request_id") == request_id]
            ids = {each.trace_id for each in of_it}
            found = [each for each in receiver.spans if each.trace_id in ids]
            complete = {LAST, ("gateway", "SERVER", "POST /api/v1/payments")}
            return found if complete <= {(each.service, each.kind, each.name) for each in found} else None

        until(trace)
    secrets = [email, password, account.json()["id"], order["id"], paid.json()["id"], shopper.token]
    return trace(), secrets, receiver.spans


def test_one_trace_holds_all_that_a_payment_caused(journey):
    spans, _, _ = journey
    kinds = {(each.service, each.kind, each.name) for each in spans}
    assert {
        ("gateway", "SERVER", "POST /api/v1/payments"),
        ("gateway", "CLIENT", "POST payments"),
        ("payments", "SERVER", "POST /api/v1/payments"),
        ("payments", "CLIENT", "GET orders"),
        ("orders", "SERVER", "GET /api/v1/orders/<uuid:order_id>"),
        ("orders", "CLIENT", "SELECT orders"),
        ("payments", "CLIENT", "POST /v1/payment_intents"),
        ("payments", "CLIENT", "INSERT payments"),
        ("payments", "CLIENT", "COMMIT"),
        ("payments-worker", "PRODUCER", "publish souk.payments.payment.succeeded"),
        ("orders-worker", "CONSUMER", "process souk.payments.payment.succeeded"),
        ("orders-worker", "CLIENT", "INSERT inbox"),
        ("orders-worker", "PRODUCER", "publish souk.orders.order.paid"),
        LAST,
    } <= kinds, sorted(kinds)
    assert len({each.trace_id for each in spans}) == 1, sorted(kinds)


def test_no_span_is_an_orphan_and_each_hangs_where_it_belongs(journey):
    spans, _, everything = journey
    by_id = {each.span_id: each for each in spans}
    assert len(by_id) == len(spans)
    (root,) = [each for each in spans if not each.parent_id]
    assert (root.service, root.kind) == ("gateway", "SERVER")
    below = [(by_id[each.parent_id], each) for each in spans if each.parent_id]
    assert {(up.service, up.kind, each.service, each.kind) for up, each in below} <= {
        ("gateway", "SERVER", "gateway", "CLIENT"),
        ("gateway", "CLIENT", "payments", "SERVER"),
        ("payments", "SERVER", "payments", "CLIENT"),
        ("payments", "CLIENT", "orders", "SERVER"),
        ("orders", "SERVER", "orders", "CLIENT"),
        ("payments", "SERVER", "payments-worker", "PRODUCER"),
        ("payments-worker", "PRODUCER", "orders-worker", "CONSUMER"),
        ("payments-worker", "PRODUCER", "users-worker", "CONSUMER"),
        ("orders-worker", "CONSUMER", "orders-worker", "CLIENT"),
        ("users-worker", "CONSUMER", "users-worker", "CLIENT"),
        ("orders-worker", "CONSUMER", "orders-worker", "PRODUCER"),
        ("orders-worker", "PRODUCER", "users-worker", "CONSUMER"),
    }
    known = {each.span_id for each in everything}
    assert [each for each in everything if each.parent_id and each.parent_id not in known] == []


def test_spans_tell_of_routes_and_statements_and_of_nobody(journey):
    _, secrets, everything = journey
    text = str(everything)
    assert [secret for secret in secrets if secret in text] == []
    named_by_id = [
        each.name for each in everything if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-|@|\d{4}", each.name)
    ]
    assert named_by_id == []
    for each in everything:
        for value in each.told.values():
            if isinstance(value, str) and re.fullmatch(r"[0-9a-f-]{36}", value):
                assert uuid.UUID(value) and value in (
                    each.told.get("souk.request_id"),
                    each.told.get("messaging.message.id"),
                )
