"""Header fields across the gateway."""

from types import SimpleNamespace

import pytest

from gateway.headers import client_fields, upstream_head

STRANGERS = [
    *(
        "authorization",
        "x-user-id",
        "x_user_id",
        "x-forwarded-for",
        "x_forwarded_for",
        "x-forwarded-proto",
        "forwarded",
    ),
    *(
        "x-real-ip",
        "cookie",
        "x-request-id",
        "x-request-deadline-ms",
        "traceparent",
        "tracestate",
        "connection",
        "te",
    ),
    *(
        "upgrade",
        "host",
        "script_name",
        "script-name",
        "x-http-method-override",
        "x-original-url",
        "user-agent",
    ),
    *("content-length", "transfer-encoding", "proxy-authorization"),
]
INSIDE = [
    *(
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
    ),
    *("upgrade", "content-length", "server", "x-powered-by", "x-request-id", "traceparent"),
    *("access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"),
    *("access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"),
    *("access-control-allow-private-network", "content-security-policy", "strict-transport-security"),
    *("x-content-type-options", "referrer-policy"),
]


def head_for(fields, forward=("accept",), **options):
    request = SimpleNamespace(
        method="GET",
        target=b"/a?b=c",
        fields=fields,
        peer="192.0.2.1",
        single={b"host": b"souk.test"},
        notes={},
    )
    route = SimpleNamespace(forward={name.encode(): f"{name.title()}: ".encode() for name in forward})
    made = {
        "assertion": "signed",
        "request_id": "request-1",
        "traceparent": "00-1-2-00",
    }
    made |= {"milliseconds": 2000, "scheme": "https", "framing": b""}
    line, rest = upstream_head(request, route, **(made | options))
    return [line.decode().rstrip("\r\n"), *rest.decode().split("\r\n")]


def test_a_service_is_told_what_the_gateway_knows():
    assert head_for([]) == [
        "GET /a?b=c HTTP/1.1",
        "Authorization: Bearer signed",
        "X-Request-ID: request-1",
        "traceparent: 00-1-2-00",
        "X-Request-Deadline-Ms: 2000",
        "X-Forwarded-For: 192.0.2.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: souk.test",
        "",
        "",
    ]


@pytest.mark.parametrize("name", STRANGERS)
def test_no_other_field_goes_through(name):
    assert head_for([(name.encode(), b"evil")]) == head_for([])


def test_each_line_that_goes_through_stays_a_line():
    head = head_for([(b"accept", b"a/b"), (b"x", b"y"), (b"accept", b"c/d")])
    assert [line for line in head if line.startswith("Accept")] == ["Accept: a/b", "Accept: c/d"]


def test_the_framing_is_the_last_field():
    assert head_for([], framing=b"Content-Length: 3\r\n")[-3:] == ["Content-Length: 3", "", ""]


def lines_for(*fields, made=b"", never_stored=False):
    return client_fields(list(fields), made, "request-1", never_stored=never_stored).decode().split("\r\n")


def test_a_client_gets_the_fields_of_the_answer_and_the_request_id():
    assert lines_for((b"content-type", b"a/b"), (b"etag", b'"1"')) == [
        "content-type: a/b",
        'etag: "1"',
        "x-request-id: request-1",
        "",
    ]


def test_cookies_stay_apart():
    assert lines_for((b"set-cookie", b"a=1, x"), (b"set-cookie", b"b=2"))[:2] == [
        "set-cookie: a=1, x",
        "set-cookie: b=2",
    ]


@pytest.mark.parametrize("name", INSIDE)
def test_what_is_not_for_the_client_is_kept_back(name):
    assert lines_for((name.encode(), b"x")) == ["x-request-id: request-1", ""]


def test_fields_named_in_connection_are_kept_back():
    assert lines_for((b"x-hop", b"1"), (b"connection", b"close, X-Hop"), (b"x-end", b"2")) == [
        "x-end: 2",
        "x-request-id: request-1",
        "",
    ]


def test_fields_named_in_the_first_of_two_connections_are_kept_back():
    named, common = (b"connection", b"x-hop"), (b"connection", b"close")
    assert lines_for((b"x-hop", b"1"), named, common) == ["x-request-id: request-1", ""]


def test_what_is_made_for_every_answer_is_there_once():
    assert lines_for((b"referrer-policy", b"unsafe-url"), made=b"referrer-policy: no-referrer\r\n") == [
        "referrer-policy: no-referrer",
        "x-request-id: request-1",
        "",
    ]


def test_what_is_for_nobody_else_is_not_stored_unless_the_service_says_who_may():
    assert "cache-control: no-store" in lines_for(never_stored=True)
    assert lines_for((b"cache-control", b"private"), never_stored=True)[0] == "cache-control: private"
    assert len(lines_for((b"cache-control", b"private"), never_stored=True)) == 3
    assert lines_for() == ["x-request-id: request-1", ""]
