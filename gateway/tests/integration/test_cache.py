"""Public answers that are kept: once asked for, given to all, and never to the wrong one."""

import json
import uuid

import jwt
import pytest
from serving import get, whole

FRESH = 'Cache-Control: public, max-age=60\r\nETag: "one"\r\n'


@pytest.fixture
def path():
    return f"/api/v1/products/{uuid.uuid4()}"


def answering(orders, fields=FRESH, body=b"{}", status=200):
    """Let orders count its answers in their bodies."""

    def answer(wire, request):
        request.body = b"".join(wire.body_of(request))
        if dict(request.fields).get("if-none-match") == '"one"':
            wire.send(f"HTTP/1.1 304 X\r\n{fields}\r\n")
        else:
            wire.send(whole(status, body + b"%d" % len(orders.requests), fields))

    orders.answer = answer


def claims(request):
    """Return what a service is told about who asks."""
    return jwt.decode(request["authorization"][7:], options={"verify_signature": False})


def test_an_answer_is_asked_for_once(gateway, orders, path):
    answering(orders)
    first, again = (gateway.ask(get(path)) for _ in range(2))
    assert (first.status, first.body, first["age"]) == (200, b"{}1", "0")
    assert (again.status, again.body, again["etag"]) == (200, b"{}1", '"one"')
    assert int(again["age"]) >= 0 and again["date"] and again["cache-control"] == "public, max-age=60"
    assert again["x-request-id"] != first["x-request-id"]
    assert len(orders.requests) == 1


def test_each_line_tells_what_the_cache_did(gateway, orders, path, until):
    answering(orders)
    for number in range(2):
        gateway.ask(get(path, f"X-Request-ID: cached-{path[-12:]}-{number}"))
    gateway.ask(get("/api/v1/orders", f"X-Request-ID: cached-{path[-12:]}-2"))

    def told():
        return [line.get("cache") for line in gateway.lines() if path[-12:] in line.get("request_id", "")]

    until(lambda: told() == ["miss", "hit", None])


def test_metrics_count_what_the_cache_did(gateway, orders, path, until):
    answering(orders)
    gateway.ask(get(path))
    gateway.ask(get(path))
    wanted = (
        b'gateway_cache_requests_total{outcome="hit"}',
        b"gateway_cache_bytes",
        b"gateway_cache_entries",
    )
    until(lambda: all(each in gateway.page("/metrics").body for each in wanted))


@pytest.mark.parametrize(
    "fields",
    [
        "",
        'ETag: "one"\r\n',
        "Cache-Control: no-store, max-age=60\r\n",
        "Cache-Control: private, max-age=60\r\n",
        "Cache-Control: max-age=60\r\nCache-Control: private\r\n",
        "Cache-Control: max-age=60\r\nSet-Cookie: session=secret\r\n",
        "Cache-Control: max-age=60\r\nVary: *\r\n",
        "Cache-Control: max-age=60\r\nVary: Cookie\r\n",
        "Cache-Control: max-age=60\r\nAge: 61\r\n",
        "Cache-Control: max-age=60, garbage garbage\r\n",
    ],
)
def test_what_may_not_be_kept_is_asked_for_each_time(gateway, orders, path, fields):
    answering(orders, fields)
    assert [gateway.ask(get(path)).body for _ in range(3)] == [b"{}1", b"{}2", b"{}3"]


@pytest.mark.parametrize(
    ("status", "kept"), [(404, True), (410, True), (500, False), (422, False), (301, False)]
)
def test_absence_is_kept_where_its_time_is_told_and_failure_never(gateway, orders, path, status, kept):
    answering(orders, "Cache-Control: max-age=60\r\n", status=status)
    replies = [gateway.ask(get(path)) for _ in range(2)]
    assert [reply.status for reply in replies] == [status] * 2
    assert len(orders.requests) == (1 if kept else 2)


def test_another_host_query_or_spelling_is_another_thing(gateway, orders, path):
    answering(orders)
    bodies = [
        gateway.ask(get(path)).body,
        gateway.ask(get(path).replace("souk.test", "other.test")).body,
        gateway.ask(get(path).replace("souk.test", "souk.test:81")).body,
        gateway.ask(get(path + "?a=1")).body,
        gateway.ask(get(path + "?a=%31")).body,
        gateway.ask(get(path + "?")).body,
        gateway.ask(get(path[:-1] + path[-1].swapcase() + "X")).body,
    ]
    assert bodies == [b"{}%d" % number for number in range(1, 8)]
    assert gateway.ask(get(path).replace("souk.test", "SOUK.test")).body == b"{}1"


@pytest.mark.parametrize(
    "evil",
    [
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 6.6.6.6",
        "Forwarded: host=evil.test",
        "X-Original-URL: /admin",
        "X-HTTP-Method-Override: DELETE",
        "Cookie: session=mine",
        "If-None-Match: evil",
        "If-Modified-Since: Fri, 15 Jan 2027 08:00:00 GMT",
        "Content-Type: evil/evil",
        "Range: bytes=0-0",
        "Origin: https://evil.test",
        "User-Agent: evil",
    ],
)
def test_nothing_of_a_client_that_is_not_in_the_key_reaches_the_service(gateway, orders, path, evil):
    orders.answer = lambda wire, request: wire.send(
        whole(body=json.dumps(request.fields).encode(), fields=FRESH)
    )
    seen = dict(json.loads(gateway.ask(get(path, evil)).body))
    assert "evil" not in json.dumps(seen) and "6.6.6.6" not in json.dumps(seen)
    name = evil.partition(":")[0].lower()
    assert seen.get(name) in (None, "souk.test", "http", "127.0.0.1")


def test_an_answer_that_depends_on_a_header_is_kept_for_each_value(gateway, orders, path):
    answering(orders, "Cache-Control: max-age=60\r\nVary: Accept-Language, Accept-Encoding\r\n")
    ask = lambda *fields: gateway.ask(get(path, *fields)).body  # noqa: E731
    first = [ask("Accept-Language: de"), ask("Accept-Language: fr"), ask(), ask("Accept-Language: de, fr")]
    assert first == [b"{}%d" % number for number in range(1, 5)]
    assert ask("Accept-Language: de", "Accept: x/y", "Accept-Encoding: gzip") == b"{}1"
    assert ask("accept-language:fr") == b"{}2"
    assert ask("Accept-Language: de", "Accept-Language: fr") == b"{}5"
    assert ask() == b"{}3"


def test_a_user_gets_what_everybody_gets_and_the_service_is_told_of_nobody(gateway, orders, issuer, path):
    answering(orders)
    anna, ben = (f"Authorization: {issuer.bearer(sub=str(uuid.uuid4()))}" for _ in range(2))
    assert [gateway.ask(get(path, *fields)).body for fields in ((anna,), (ben,), ())] == [b"{}1"] * 3
    assert "sub" not in claims(orders.requests[0])


def test_a_private_answer_is_asked_for_on_nobodys_behalf_too(gateway, orders, issuer, path):
    answering(orders, "Cache-Control: private, max-age=60\r\n")
    anna = f"Authorization: {issuer.bearer(sub=str(uuid.uuid4()))}"
    assert [gateway.ask(get(path, *fields)).body for fields in ((anna,), ())] == [b"{}1", b"{}2"]
    assert not any("sub" in claims(each) for each in orders.requests)


def test_a_bad_token_is_refused_though_the_answer_is_kept(gateway, orders, path):
    answering(orders)
    assert gateway.ask(get(path)).status == 200
    assert gateway.ask(get(path, "Authorization: Bearer a.b.c")).status == 401


def test_what_is_too_large_goes_through_and_is_not_kept(gateway, orders, path):
    large = b"a" * 1_200_000
    answering(orders, FRESH, large)
    assert [gateway.ask(get(path)).body for _ in range(2)] == [large + b"1", large + b"2"]
    pieces = b"".join(b"%x\r\n%b\r\n" % (100_000, large[:100_000]) for _ in range(15)) + b"0\r\n\r\n"
    orders.answer = lambda wire, request: wire.send(
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{FRESH}\r\n".encode() + pieces
    )
    assert [len(gateway.ask(get(path)).body) for _ in range(2)] == [1_500_000] * 2
    assert len(orders.requests) == 4


def test_a_target_that_is_too_long_for_a_key_is_not_kept(gateway, orders, path):
    answering(orders)
    assert [gateway.ask(get(f"{path}?x={'a' * 1100}")).body for _ in range(2)] == [b"{}1", b"{}2"]


def test_without_room_nothing_is_kept(start_gateway, users, orders, path):
    orders.reset()
    users.reset()
    answering(orders)
    gateway = start_gateway(cache_bytes=0)
    assert [gateway.ask(get(path)).body for _ in range(2)] == [b"{}1", b"{}2"]
    assert gateway.ask(get(path, 'If-None-Match: "one"')).status == 304
