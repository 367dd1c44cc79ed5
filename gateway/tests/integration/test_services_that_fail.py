"""Services that are down, slow, broken or lying: what a client is told, how soon, and what is tried again."""

import contextlib
import socket
import threading
import time

import pytest
from serving import free_port, get, get_new, post, whole

PUBLIC = "/api/v1/products/TEA-1"

GARBAGE = {
    "a text": "hello\r\n\r\n",
    "another protocol": "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    "two framings": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a header without end": "HTTP/1.1 200 OK\r\n" + "A: b\r\n" * 12_000,
    "half a header": None,
}


def refusal(gateway, request=None):
    """Return status, code and the seconds it took."""
    began = time.monotonic()
    reply = gateway.ask(request or get(PUBLIC))
    return reply.status, reply.problem["code"], time.monotonic() - began


def test_a_service_that_is_down_is_told_at_once_and_the_others_go_on(start_gateway, users):
    users.reset()
    gateway = start_gateway(orders_url=f"http://127.0.0.1:{free_port()}")
    status, code, seconds = refusal(gateway)
    assert (status, code) == (503, "upstream_unavailable") and seconds < 2
    assert gateway.ask(post("/api/v1/users", "{}")).status == 200


def test_a_service_that_takes_no_connection_is_told_soon(start_gateway):
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(2):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        gateway = start_gateway(orders_url=f"http://127.0.0.1:{full.getsockname()[1]}")
        status, code, seconds = refusal(gateway)
    assert (status, code) == (503, "upstream_unavailable") and 0.3 < seconds < 4


def test_a_service_that_does_not_answer_has_until_the_deadline(gateway, orders):
    orders.answer = lambda wire, request: None
    status, code, seconds = refusal(gateway)
    assert (status, code) == (504, "deadline_exceeded") and 0.9 < seconds < 3


def test_a_service_that_drips_its_header_has_no_longer(gateway, orders, until):
    def drip(wire, request):
        wire.send("HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            until(lambda: wire.send("A: b\r\n") is None, 3)

    orders.answer = drip
    assert refusal(gateway)[:2] == (504, "deadline_exceeded")


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_no_answer(gateway, orders, name):
    def answer(wire, request):
        wire.send(GARBAGE[name] or "HTTP/1.1 200 OK\r\nContent-")
        wire.close()

    orders.answer = answer
    expected = (503, "upstream_unavailable") if GARBAGE[name] is None else (502, "bad_upstream_answer")
    assert refusal(gateway)[:2] == expected


def closing_each_second(answered):
    """Return a service's behaviour: every other request on a connection finds it closed."""

    def answer(wire, request):
        answered.append(request.line[0] + b"".join(wire.body_of(request)).decode())
        if len(answered) % 2:
            wire.send(whole())
        else:
            wire.close()

    return answer


def test_a_safe_request_on_a_connection_just_closed_is_sent_once_more(gateway, orders):
    answered = []
    orders.answer = closing_each_second(answered)
    assert [gateway.ask(get(PUBLIC)).status for _ in range(2)] == [200, 200]
    assert answered == ["GET", "GET", "GET"] and orders.connections == 2


def test_a_request_that_is_not_safe_is_sent_once(gateway, users):
    answered = []
    users.answer = closing_each_second(answered)
    assert gateway.ask(post("/api/v1/users", "{}")).status == 200
    assert refusal(gateway, post("/api/v1/users", "{}"))[:2] == (503, "upstream_unavailable")
    assert answered == ["POST{}", "POST{}"]


def test_a_safe_request_is_not_sent_for_ever(gateway, orders):
    orders.answer = lambda wire, request: wire.close()
    assert refusal(gateway)[:2] == (503, "upstream_unavailable")
    assert len(orders.requests) == 1


def test_a_connection_the_service_has_ended_is_not_used(gateway, users, until):
    users.answer = None
    assert gateway.ask(post("/api/v1/users", "{}")).status == 200
    for wire in list(users.open):
        wire.close()
    until(lambda: not users.open)
    assert gateway.ask(post("/api/v1/users", "{}")).status == 200


def test_a_connection_that_was_not_used_for_a_while_is_not_used_again(start_gateway, orders, until):
    orders.reset()
    gateway = start_gateway(upstream_idle_seconds=0.2)
    assert gateway.ask(get(PUBLIC)).status == 200
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 0.3)
    assert gateway.ask(get(PUBLIC)).status == 200
    assert orders.connections == 2
    until(lambda: len(orders.open) == 1)


def ending_early(length):
    def answer(wire, request):
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc")
        wire.close()

    return answer


def test_a_small_answer_that_ends_too_early_is_none(gateway, orders):
    orders.answer = ending_early(65536)
    reply = gateway.ask(get(PUBLIC))
    assert (reply.status, reply.problem["code"]) == (502, "bad_upstream_answer")


def test_a_large_answer_that_ends_too_early_is_cut_for_the_client_too(gateway, orders):
    orders.answer = ending_early(65537)
    wire = gateway.connect()
    reply = wire.send(get(PUBLIC)).message()
    assert (reply.status, reply["content-length"], reply.body) == (200, "65537", b"abc") and wire.ended()
    wire.close()


def test_a_second_answer_is_given_to_nobody(gateway, orders):
    orders.answer = lambda wire, request: wire.send(whole(body=b"mine") + whole(body=b"another's"))
    assert [gateway.ask(get(PUBLIC)).body for _ in range(5)] == [b"mine"] * 5


def test_an_answer_without_framing_ends_with_its_connection(gateway, orders):
    def answer(wire, request):
        wire.send("HTTP/1.1 200 OK\r\n\r\nhello")
        wire.close()

    orders.answer = answer
    assert [gateway.ask(get(PUBLIC)).body for _ in range(3)] == [b"hello"] * 3


def test_no_more_than_so_many_requests_wait_for_one_service(start_gateway, users, orders, until):
    orders.reset()
    users.reset()
    gateway = start_gateway(upstream_connections=2)
    free = threading.Event()
    orders.answer = lambda wire, request: (free.wait(20), wire.send(whole()))
    waiting = []

    def full():
        # More than two may be needed: the gateway has questions of its own, which take places too.
        if len(orders.requests) < 2:
            waiting.append(gateway.connect().send(get_new()))
        return len(orders.requests) == 2

    until(full)
    reply = gateway.ask(get(PUBLIC))
    assert (reply.status, reply.problem["code"], reply["retry-after"]) == (503, "upstream_busy", "1")
    assert gateway.ask(post("/api/v1/users", "{}")).status == 200
    free.set()
    statuses = [wire.message().status for wire in waiting]
    assert statuses.count(200) == 2 and set(statuses) <= {200, 503}
    until(lambda: gateway.ask(get(PUBLIC)).status == 200)
