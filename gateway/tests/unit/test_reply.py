"""Replies on the wire: framing, and whether the connection lives on."""

import pytest

from gateway.front.limits import Limits
from gateway.front.reply import Reply, ReplyAbandoned
from gateway.front.request import RequestReader


class Wire:
    def __init__(self, draining=False):
        self.draining = draining
        self.sent = b""

    def send(self, data):
        self.sent += data

    def fill(self, request):
        raise AssertionError("nobody waits here")


def reply_to(raw, wire):
    reader = RequestReader(wire, "192.0.2.1", Limits())
    reader.feed(memoryview(raw))
    return Reply(wire, reader.heads.popleft())


GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET /a HTTP/1.0\r\n\r\n"
HALF = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na"


def test_a_whole_reply_has_its_length():
    wire = Wire()
    reply = reply_to(GET, wire)
    reply.send(200, b"a: b\r\n", b"hello")
    assert wire.sent == b"HTTP/1.1 200 OK\r\na: b\r\nContent-Length: 5\r\n\r\nhello"
    assert reply.keep and reply.body_bytes == 5


def test_a_reply_of_unknown_length_is_chunked():
    wire = Wire()
    reply = reply_to(GET, wire)
    reply.start(200, b"", None)
    reply.write(b"hello")
    reply.write(b"")
    reply.finish()
    assert wire.sent == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def test_http_1_0_gets_the_body_up_to_the_end_of_the_connection():
    wire = Wire()
    reply = reply_to(OLD, wire)
    reply.start(200, b"", None)
    reply.write(b"hello")
    reply.finish()
    assert wire.sent == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"
    assert not reply.keep


def test_the_answer_to_head_has_a_length_and_no_body():
    wire = Wire()
    reply = reply_to(HEAD, wire)
    reply.start(200, b"", 94)
    reply.finish()
    assert wire.sent == b"HTTP/1.1 200 OK\r\nContent-Length: 94\r\n\r\n"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_no_framing(status):
    wire = Wire()
    reply_to(GET, wire).send(status, b"", b"")
    assert wire.sent.endswith(b"\r\n\r\n") and b"Content-Length" not in wire.sent


def test_the_connection_ends_where_a_body_has_not_been_read():
    wire = Wire()
    reply = reply_to(HALF, wire)
    reply.send(401, b"", b"no")
    assert not reply.keep and b"Connection: close\r\n" in wire.sent


def test_the_connection_ends_while_draining():
    wire = Wire(draining=True)
    reply = reply_to(GET, wire)
    reply.send(200, b"", b"")
    assert not reply.keep and b"Connection: close\r\n" in wire.sent


def test_a_body_that_is_too_short_is_not_ended_as_if_it_were_whole():
    reply = reply_to(GET, Wire())
    reply.start(200, b"", 5)
    reply.write(b"abc")
    with pytest.raises(ReplyAbandoned):
        reply.finish()


def test_a_body_never_runs_into_the_next_reply():
    wire = Wire()
    reply = reply_to(GET, wire)
    reply.start(200, b"", 2)
    with pytest.raises(ReplyAbandoned):
        reply.write(b"abc")
    assert not wire.sent.endswith(b"abc")
