"""A client that takes its time: every wait of the server ends."""

import io
import json
import socket
import time

import example
import live
import pytest
import serving

from chassis import logs
from chassis.connection import Patience

SHORT = Patience(idle_seconds=0.2, head_seconds=0.2, body_seconds=0.2, write_seconds=0.2)
HEAD = b"POST /api/v1/sign HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
def app():
    return example.build().app


def large(environ, start_response):
    start_response("200 OK", [("Content-Length", str(50_000_000))])
    return (b"a" * 1_000_000 for _ in range(50))


def test_a_connection_on_which_nothing_comes_is_closed(app):
    with live.connected(app, SHORT) as client:
        assert client.recv(100) == b""


def test_an_idle_connection_is_closed(app):
    with live.connected(app, SHORT) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert serving.read_all(client).endswith(b'{"status":"alive"}')


def test_a_head_that_drips_is_cut_off_however_steadily_it_drips(app):
    began = time.monotonic()
    with live.connected(app, Patience(head_seconds=0.3)) as client, pytest.raises(OSError):
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: ")
        while time.monotonic() < began + 5:
            client.sendall(b"a")
            time.sleep(0.02)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "begun",
    [
        b"Content-Length: 50\r\n\r\ngrant",
        b"Transfer-Encoding: chunked\r\n\r\n32\r\ngrant",
        # As much as a body may have: whether it ends here is not known yet.
        b"Transfer-Encoding: chunked\r\n\r\n10000\r\n" + b"a" * 65_536 + b"\r\n",
    ],
    ids=["by length", "in chunks", "at the limit"],
)
@pytest.mark.parametrize("leaves", [False, True])
def test_a_body_that_stops_half_way_is_a_bad_request(app, begun, leaves):
    log = io.StringIO()
    logs.configure("boxes", "INFO", log)
    with live.connected(app, SHORT) as client:
        client.sendall(HEAD + begun)
        if leaves:
            client.shutdown(socket.SHUT_WR)
        answer = serving.read_all(client)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"bad_request" in answer and b"Connection: close" in answer
    [line] = [json.loads(each) for each in log.getvalue().splitlines()]
    assert (line["message"], line["status"], line["code"]) == ("request", 400, "bad_request")
    assert "exc_info" not in line


def test_a_client_that_does_not_read_is_left():
    with live.connected(large, SHORT) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.5)
        with pytest.raises(OSError, match=r"reset|pipe"):
            for _ in range(100):
                client.sendall(b"a")


def test_a_refused_body_without_end_is_not_read_without_end(app):
    with live.connected(app, Patience()) as client, pytest.raises(OSError, match=r"reset|pipe"):
        client.sendall(
            b"POST /api/v1/sign HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(2000):
            client.sendall(b"400\r\n" + b"a" * 1024 + b"\r\n")


def test_the_last_answer_of_a_process_that_stops_says_so(app):
    with live.connected(app, Patience(), closing=lambda: True) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"Connection: close" in serving.read_all(client)


def test_a_header_with_a_line_break_never_leaves():
    def split(environ, start_response):
        start_response("200 OK", [("Content-Length", "0"), ("X-One", "1\r\nSet-Cookie: forged=1")])
        return []

    client_end, server_end = live.socket.socketpair()
    with client_end:
        client_end.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(ValueError, match="line break"):
            live.Connection(server_end, live.ENVIRON, split, lambda: False, SHORT).serve()
        assert client_end.recv(100) == b""
