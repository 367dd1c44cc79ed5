"""What is large or never ends passes through in pieces, in constant memory."""

import contextlib
import hashlib
import re
import time
from pathlib import Path

from serving import echo, get, whole

EVENTS = "/api/v1/orders/0190f3b2/events"
BLOCK = bytes(range(256)) * 256
BLOCKS = 640  # 40 MiB


def most_memory(gateway):
    """Return the largest resident size, in KiB, that any process of the gateway has had."""
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    status = [Path(f"/proc/{pid}/status").read_text() for pid in children]
    return max(int(re.search(r"VmHWM:\s+(\d+)", each)[1]) for each in status)


def test_a_large_answer_passes_in_constant_memory(gateway, orders):
    def answer(wire, request):
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(BLOCK) * BLOCKS}\r\n\r\n")
        for _ in range(BLOCKS):
            wire.send(BLOCK)

    orders.answer = answer
    gateway.ask(get("/api/v1/products"))
    before = most_memory(gateway)
    assert len(gateway.ask(get("/api/v1/products")).body) == len(BLOCK) * BLOCKS
    assert most_memory(gateway) - before < 4096


def test_a_chunked_answer_stays_chunked(gateway, orders):
    def answer(wire, request):
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            wire.send(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))
        wire.send("0\r\n\r\n")

    orders.answer = answer
    wire = gateway.connect()
    for _ in range(2):
        reply = wire.send(get("/api/v1/products")).message()
        assert reply["transfer-encoding"] == "chunked" and reply.body == BLOCK * 10
    wire.close()
    assert orders.connections == 1


def test_a_large_upload_passes_in_constant_memory(start_gateway, users):
    digests = []

    def answer(wire, request):
        digest = hashlib.sha256()
        for piece in wire.body_of(request):
            digest.update(piece)
        if request.line[0] == "POST":
            digests.append(digest.hexdigest())
        wire.send(whole())

    users.reset()
    users.answer = answer
    gateway = start_gateway(body_max_bytes=100_000_000)
    head = get("/api/v1/users", f"Content-Length: {len(BLOCK) * BLOCKS}", method="POST")
    wire = gateway.connect().send(head)
    before = most_memory(gateway)
    for _ in range(BLOCKS):
        wire.send(BLOCK)
    assert wire.message().status == 200
    assert digests == [hashlib.sha256(BLOCK * BLOCKS).hexdigest()]
    assert most_memory(gateway) - before < 4096
    chunked = get("/api/v1/users", "Transfer-Encoding: chunked", method="POST")
    wire.send(
        chunked + "".join(f"{len(BLOCK):x}\r\n{BLOCK.decode('latin-1')}\r\n" for _ in range(5)) + "0\r\n\r\n"
    )
    assert wire.message().status == 200
    assert digests[1] == hashlib.sha256(BLOCK * 5).hexdigest()
    wire.close()


def test_an_answer_before_the_end_of_an_upload_reaches_the_client(start_gateway, users):
    users.reset()
    users.answer = lambda wire, request: (wire.send(whole(413, b"too much")), wire.close())
    gateway = start_gateway(body_max_bytes=100_000_000)
    wire = gateway.connect().send(get("/api/v1/users", "Content-Length: 50000000", method="POST"))
    with contextlib.suppress(ConnectionError):
        for _ in range(50):
            wire.send(BLOCK)
    reply = wire.message()
    assert (reply.status, reply.body, reply["connection"]) == (413, b"too much", "close")
    wire.close()


def events(wire, request):
    """Open a stream of events, and leave the rest to the test."""
    wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")


def one_event(wire):
    size = int(wire.file.readline(), 16)
    event = wire.file.read(size)
    wire.file.readline()
    return event


def test_events_pass_as_they_come(gateway, orders, issuer, until):
    orders.answer = events
    wire = gateway.connect()
    wire.send(get(EVENTS, f"Authorization: {issuer.bearer()}", "Last-Event-ID: 7"))
    assert wire.head()["content-type"] == "text/event-stream"
    assert orders.requests[-1]["last-event-id"] == "7"
    (service,) = until(lambda: list(orders.open))
    for number in range(3):
        service.send(b"9\r\ndata: %d\n\n\r\n" % number)
        assert one_event(wire) == b"data: %d\n\n" % number
    wire.close()


def test_a_stream_of_events_outlives_the_deadline(gateway, orders, issuer, until):
    orders.answer = events
    wire = gateway.connect().send(get(EVENTS, f"Authorization: {issuer.bearer()}"))
    wire.head()
    began = time.monotonic()
    (service,) = until(lambda: list(orders.open))
    until(lambda: time.monotonic() - began > 1.3)  # the deadline is 1 s
    service.send(b"6\r\nlate\n\n\r\n")
    assert one_event(wire) == b"late\n\n"
    wire.close()


def test_many_streams_leave_room_for_requests(start_gateway, users, orders, issuer):
    orders.reset()
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    orders.answer = lambda wire, request: (events if request.target == EVENTS else echo)(wire, request)
    gateway = start_gateway(upstream_streams=2, upstream_connections=4)  # four for its own questions
    following = get(EVENTS, f"Authorization: {issuer.bearer()}")
    streams = [gateway.connect().send(following) for _ in range(2)]
    assert [wire.head().status for wire in streams] == [200, 200]
    assert gateway.ask(following).problem["code"] == "upstream_busy"
    assert gateway.ask(get("/api/v1/products")).status == 200
    for wire in streams:
        wire.close()


def test_a_client_that_leaves_ends_its_stream_at_the_service(gateway, orders, issuer, until):
    orders.answer = events
    wire = gateway.connect().send(get(EVENTS, f"Authorization: {issuer.bearer()}"))
    wire.head()
    until(lambda: orders.open)
    wire.close()
    until(lambda: not orders.open, 2)
