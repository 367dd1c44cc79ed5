"""A request through the gateway and back: what each side gets to see."""

import json
import re
import uuid

import pytest
from serving import get, post, whole

from chassis.assertions import Verifier
from chassis.trust import TrustBundle

PRODUCT = "/api/v1/products/TEA-1"
ORDERS = "/api/v1/orders"


def seen(reply):
    """Return the request as the service saw it, from its echo."""
    assert reply.status == 200, reply.body
    told = json.loads(reply.body)
    return told["line"], dict(told["fields"]), told["body"]


def test_a_service_gets_the_gateways_words_about_a_request(gateway, orders):
    reply = gateway.ask(get(f"{PRODUCT}?limit=2", "Accept: application/json"))
    line, fields, _ = seen(reply)
    assert line == ["GET", f"{PRODUCT}?limit=2", "HTTP/1.1\r\n"]
    assert fields["host"] == f"127.0.0.1:{orders.port}"
    assert fields["accept"] == "application/json"
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert fields["x-forwarded-host"] == "souk.test"
    assert fields["x-forwarded-proto"] == "http"
    assert fields["x-request-id"] == reply["x-request-id"]
    assert 0 < int(fields["x-request-deadline-ms"]) <= 1000
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", fields["traceparent"])


def test_the_assertion_says_who_calls_and_is_for_this_service_only(gateway, orders, issuer):
    user_id = str(uuid.uuid4())
    bearer = issuer.bearer(sub=user_id, roles=["admin", "other"])
    _, fields, _ = seen(gateway.ask(get("/api/v1/orders", f"Authorization: {bearer}")))
    assertion = Verifier(TrustBundle.load(gateway.bundle), "orders").verify(fields["authorization"][7:])
    assert (assertion.issuer, assertion.subject, assertion.roles) == ("gateway", user_id, {"admin"})
    assert assertion.claims == {} and bearer not in str(orders.requests)


def test_an_anonymous_request_carries_an_assertion_about_nobody(gateway):
    _, fields, _ = seen(gateway.ask(get(PRODUCT)))
    assertion = Verifier(TrustBundle.load(gateway.bundle), "orders").verify(fields["authorization"][7:])
    assert assertion.subject is None and assertion.roles == frozenset()


def test_a_well_formed_request_id_is_kept(gateway):
    reply = gateway.ask(get(PRODUCT, "X-Request-ID: client-1234"))
    assert reply["x-request-id"] == seen(reply)[1]["x-request-id"] == "client-1234"


@pytest.mark.parametrize("odd", ["short", "a" * 65, "with space", 'quote"s', "new\tline", "caf\xe9-id-1"])
def test_another_request_id_is_replaced(gateway, odd):
    reply = gateway.ask(get(PRODUCT, f"X-Request-ID: {odd}"))
    assert uuid.UUID(reply["x-request-id"]).version == 7
    assert seen(reply)[1]["x-request-id"] == reply["x-request-id"]


def test_two_request_ids_are_none(gateway):
    reply = gateway.ask(get(PRODUCT, "X-Request-ID: client-1234", "Accept: a/b", "x-request-id: client-5678"))
    assert uuid.UUID(reply["x-request-id"]).version == 7
    assert seen(reply)[1]["x-request-id"] == reply["x-request-id"]


def test_a_trace_is_carried_on(gateway):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = gateway.ask(get(PRODUCT, f"traceparent: 00-{trace}-00f067aa0ba902b7-01"))
    traceparent = seen(reply)[1]["traceparent"]
    assert trace in traceparent and "00f067aa0ba902b7" not in traceparent
    assert traceparent.endswith("-00"), "a stranger has had a trace kept"


def test_no_field_that_is_not_on_the_list_goes_through(gateway):
    evil = [
        "X-User-Id: 1",
        "X_User_Id: 1",
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Proto: https",
        "Cookie: a=b",
    ]
    evil += ["Script-Name: /x", "X-HTTP-Method-Override: DELETE", "Forwarded: for=6.6.6.6", "User-Agent: x"]
    evil += [
        "Connection: X-Request-Deadline-Ms, Authorization",
        "X-Request-Deadline-Ms: 999999",
        "TE: trailers",
    ]
    _, fields, _ = seen(gateway.ask(get(PRODUCT, *evil)))
    assert set(fields) == {
        "host",
        "authorization",
        "x-request-id",
        "traceparent",
        "x-request-deadline-ms",
    } | {
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
    }
    assert fields["x-forwarded-for"] == "127.0.0.1" and int(fields["x-request-deadline-ms"]) <= 1000


def test_a_body_arrives_as_it_was_sent(gateway, issuer):
    fields = [f"Authorization: {issuer.bearer()}", "Idempotency-Key: k1", "Content-Type: application/json"]
    line, received, body = seen(gateway.ask(post("/api/v1/orders", '{"a": 1}', *fields)))
    assert line[0] == "POST" and body == '{"a": 1}'
    assert (received["idempotency-key"], received["content-type"]) == ("k1", "application/json")


def test_cookies_reach_the_token_endpoint_and_come_back_apart(gateway, users):
    users.answer = lambda wire, request: wire.send(
        whole(
            fields="Set-Cookie: a=1; HttpOnly\r\nSet-Cookie: b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\n"
        )
    )
    reply = gateway.ask(get("/api/v1/auth/token", "Cookie: refresh=x", "Content-Length: 0", method="POST"))
    assert users.requests[-1]["cookie"] == "refresh=x"
    assert reply.all("set-cookie") == ["a=1; HttpOnly", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"]


def test_nobody_gets_anothers_cookies(gateway, orders):
    orders.answer = lambda wire, request: wire.send(whole(fields="Set-Cookie: session=secret\r\n"))
    assert gateway.ask(get(PRODUCT))["set-cookie"] == "session=secret"
    orders.answer = None
    assert "cookie" not in seen(gateway.ask(get(PRODUCT)))[1]


def test_the_services_status_fields_and_body_come_back(gateway, orders):
    orders.answer = lambda wire, request: wire.send(
        whole(
            409,
            b'{"code":"x"}',
            'ETag: "1"\r\nServer: gunicorn\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n',
        )
    )
    reply = gateway.ask(get(PRODUCT))
    assert (reply.status, reply["etag"], reply.body) == (409, '"1"', b'{"code":"x"}')
    assert not {"server", "x-hop", "connection"} & dict(reply.fields).keys()


def test_head_has_the_length_and_no_body_and_the_connection_goes_on(gateway, orders, issuer):
    orders.answer = lambda wire, request: wire.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 94\r\n\r\n" if request.line[0] == "HEAD" else whole()
    )
    wire, bearer = gateway.connect(), f"Authorization: {issuer.bearer()}"
    reply = wire.send(get(ORDERS, bearer, method="HEAD")).message(bodiless=True)
    assert (reply.status, reply["content-length"]) == (200, "94")
    assert wire.send(get(ORDERS, bearer)).message().body == b"ok"
    wire.close()
    assert orders.connections == 1


def test_not_modified_comes_back_without_a_body(gateway, orders, issuer):
    orders.answer = lambda wire, request: wire.send('HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
    wire, bearer = gateway.connect(), f"Authorization: {issuer.bearer()}"
    for _ in range(2):
        assert wire.send(get(ORDERS, bearer, 'If-None-Match: "1"')).message().status == 304
    wire.close()
    assert orders.requests[-1]["if-none-match"] == '"1"'


def test_connections_are_kept_on_both_sides(gateway, orders):
    wire = gateway.connect()
    for _ in range(5):
        assert wire.send(get(PRODUCT)).message().status == 200
    wire.close()
    assert orders.connections == 1


def test_requests_sent_at_once_are_answered_in_order(gateway):
    wire = gateway.connect()
    wire.send("".join(get(f"/api/v1/products/P-{number}") for number in range(20)))
    targets = [seen(wire.message())[0][1] for _ in range(20)]
    wire.close()
    assert targets == [f"/api/v1/products/P-{number}" for number in range(20)]


def test_a_client_that_asks_first_is_told_to_go_on(gateway, issuer):
    wire = gateway.connect()
    fields = [f"Authorization: {issuer.bearer()}", "Content-Length: 3", "Expect: 100-continue"]
    wire.send(get("/api/v1/orders", *fields, method="POST"))
    assert wire.message().status == 100
    assert seen(wire.send("abc").message())[2] == "abc"
    wire.close()


def test_http_1_0_is_served_and_closed(gateway):
    wire = gateway.connect()
    reply = wire.send(f"GET {PRODUCT} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").message()
    assert reply.status == 200 and reply["connection"] == "close" and wire.ended()


def test_each_request_leaves_one_line_by_its_template(gateway, issuer, until):
    user_id = str(uuid.uuid4())
    fields = [f"Authorization: {issuer.bearer(sub=user_id)}", "X-Request-ID: line-test-1"]
    gateway.ask(get("/api/v1/orders/0190f3b2?secret=1", *fields))
    (line,) = until(lambda: [line for line in gateway.lines() if line.get("request_id") == "line-test-1"])
    assert (line["route"], line["status"], line["user_id"]) == ("/api/v1/orders/{id}", 200, user_id)
    assert (line["service"], line["logger"], line["method"]) == ("gateway", "access", "GET")
    assert line["duration_ms"] > 0 and line["bytes"] > 0 and len(line["trace_id"]) == 32
    assert "secret" not in json.dumps(line) and "0190f3b2" not in json.dumps(line)


def test_metrics_count_by_template(gateway, until):
    gateway.ask(get("/api/v1/products/COUNTED"))
    wanted = b'http_requests_total{method="GET",route="/api/v1/products/{sku}",status="200"}'
    until(lambda: wanted in gateway.page("/metrics").body)


def test_the_own_pages_are_not_public(gateway):
    assert gateway.page("/livez").status == 200
    for path in ("/livez", "/readyz", "/metrics"):
        assert gateway.ask(get(path)).problem["code"] == "not_found"
