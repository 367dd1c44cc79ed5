"""What a client holds while it is slow: a connection of its own, and no place at a service."""

import time

import pytest
from serving import get_new, post, whole

LIMIT = 65536
WEBHOOK = "/api/v1/payments/webhooks/stripe"
HEAD = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def gateway(start_gateway, users, orders):
    """A gateway that has two places at a service; its own questions may take one."""
    users.reset()
    orders.reset()
    return start_gateway(web_processes=1, upstream_connections=2, write_timeout_seconds=5)


def test_a_body_of_just_the_limit_is_held_until_it_ends(gateway, services, until):
    before = len(services["payments"].requests)
    stalled = [gateway.connect().send(HEAD + f"{LIMIT:x}\r\n" + "a" * LIMIT + "\r\n") for _ in range(4)]
    reply = gateway.ask(post(WEBHOOK, "{}"))
    assert reply.status == 200 and len(services["payments"].requests) == before + 1
    assert stalled[0].send("0\r\n\r\n").message().status == 200
    assert stalled[1].send("1\r\na\r\n").message().status == 413
    for wire in stalled:
        wire.close()


@pytest.mark.parametrize("size", [16000, 65536])
def test_a_client_that_does_not_read_holds_no_place(gateway, orders, until, size):
    orders.answer = lambda wire, request: wire.send(whole(body=b"x" * size))
    lazy = [gateway.connect(window_bytes=4096) for _ in range(4)]
    for wire in lazy:
        wire.send(get_new() * 100)
    seen = [0]

    def nothing_more_is_asked():
        time.sleep(0.3)
        seen.append(len(orders.requests))
        return seen[-1] == seen[-2] > 0

    until(nothing_more_is_asked)
    assert [gateway.ask(get_new()).status for _ in range(4)] == [200] * 4
    for wire in lazy:
        wire.close()


@pytest.mark.parametrize("padding", ["1;" + "a" * 120000, "0" * 120000 + "1"], ids=["extension", "zeros"])
def test_framing_without_end_is_refused(gateway, padding):
    wire = gateway.connect().send(HEAD)
    wire.send(padding)
    assert wire.message().status == 400
    wire.close()


def test_chunks_of_a_byte_are_taken(gateway):
    reply = gateway.connect().send(HEAD + "1\r\na\r\n" * 5000 + "0\r\n\r\n").message()
    assert reply.status == 200
    pieces = gateway.connect().send(HEAD)
    for _ in range(4):
        pieces.send("1\r\na\r\n" * 5000)
    assert pieces.send("0\r\n\r\n").message().status == 200
