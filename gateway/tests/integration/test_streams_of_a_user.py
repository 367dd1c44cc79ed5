"""Streams of one user leave room for those of all others, and each gives its place back."""

import contextlib
import socket
import uuid

import pytest
from serving import get, whole

EVENTS = "/api/v1/orders/0190f3b2/events"


def events(wire, request):
    """Open a stream of events, and leave the rest to the test."""
    wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.fixture
def start(start_gateway, users, orders, issuer):
    """Start a gateway before a service that opens every stream."""
    orders.reset()
    orders.answer = events
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    return start_gateway


@pytest.fixture
def anna(issuer):
    return get(EVENTS, f"Authorization: {issuer.bearer()}")


@pytest.fixture
def ben(issuer):
    return get(EVENTS, f"Authorization: {issuer.bearer()}")


def opened(gateway, following, **options):
    """Return a connection on which a stream has begun, None where it was refused as one too many."""
    wire = gateway.connect(**options).send(following)
    reply = wire.head()
    if reply.status == 200:
        return wire
    reply.body = b"".join(wire.body_of(reply))
    assert (reply.status, reply.problem["code"], reply["retry-after"]) == (429, "too_many_streams", "5")
    wire.close()
    return None


def test_one_user_cannot_take_the_places_of_all(start, orders, anna, ben):
    gateway = start(streams_per_user=2, upstream_streams=4)
    streams = [opened(gateway, anna) for _ in range(2)]
    assert [opened(gateway, anna) for _ in range(20)] == [None] * 20
    assert len(orders.requests) == 2
    streams += [opened(gateway, ben) for _ in range(2)]
    assert all(streams) and opened(gateway, ben) is None
    for wire in streams:
        wire.close()


def test_another_token_of_the_same_user_brings_no_more_places(start, issuer):
    gateway = start(streams_per_user=1)
    user_id = str(uuid.uuid4())
    first, second = (get(EVENTS, f"Authorization: {issuer.bearer(sub=user_id)}") for _ in range(2))
    assert first != second
    wire = opened(gateway, first)
    assert wire and opened(gateway, second) is None
    wire.close()


def test_a_request_that_is_no_stream_needs_no_place(start, issuer):
    gateway = start(streams_per_user=1)
    bearer = f"Authorization: {issuer.bearer()}"
    wire = opened(gateway, get(EVENTS, bearer))
    waiting = [gateway.connect().send(get("/api/v1/orders", bearer)) for _ in range(3)]
    assert [each.head().status for each in waiting] == [200] * 3
    for each in [wire, *waiting]:
        each.close()


def leave(wire, service):
    wire.close()


def leave_at_once(wire, service):
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, not end
    wire.close()


def stop_reading(wire, service):
    with contextlib.suppress(OSError):
        for _ in range(500):
            service.send(b"10000\r\n%b\r\n" % (b"a" * 65536))


def end(wire, service):
    service.send("0\r\n\r\n")


def break_off(wire, service):
    service.close()


def lie(wire, service):
    service.send("no size\r\n")


@pytest.mark.parametrize("finish", [leave, leave_at_once, stop_reading, end, break_off, lie])
def test_a_place_is_given_back_however_the_stream_ends(start, orders, anna, until, finish):
    gateway = start(streams_per_user=1, write_timeout_seconds=0.3)
    wire = opened(gateway, anna, window_bytes=4096)
    for _ in range(3):
        assert opened(gateway, anna) is None
        (service,) = until(lambda: len(orders.open) == 1 and list(orders.open))
        finish(wire, service)
        wire = until(lambda: opened(gateway, anna, window_bytes=4096))
    assert opened(gateway, anna) is None


def test_a_place_is_given_back_where_no_stream_begins(start, orders, anna):
    gateway = start(streams_per_user=1, request_deadline_seconds=0.3)
    answers = {
        404: lambda wire, request: wire.send(whole(404)),
        502: lambda wire, request: (wire.send("hello\r\n\r\n"), wire.close()),
        503: lambda wire, request: wire.close(),
        504: lambda wire, request: None,
    }
    for status, answer in [*answers.items()] * 2:
        orders.answer = answer
        assert gateway.ask(anna).status == status
    orders.answer = events
    wire = opened(gateway, anna)
    assert wire and opened(gateway, anna) is None
    wire.close()


def test_a_user_has_four_streams_unless_told_otherwise(start, anna):
    gateway = start()
    streams = [opened(gateway, anna) for _ in range(5)]
    assert [wire is not None for wire in streams] == [True] * 4 + [False]
    for wire in streams[:4]:
        wire.close()


def test_accounts_of_one_address_cannot_take_the_places_of_all(start, issuer):
    gateway = start(streams_per_user=1, streams_per_address=2, upstream_streams=8)
    each = [opened(gateway, get(EVENTS, f"Authorization: {issuer.bearer()}")) for _ in range(5)]
    assert [wire is not None for wire in each] == [True, True, False, False, False]
    for wire in filter(None, each):
        wire.close()
