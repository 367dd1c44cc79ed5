"""The proxy misbehaves as it is told, and not otherwise."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from faults.proxy import DELAY_SECONDS, Proxy

ANSWER = b"an answer of some length, so that a cut has a middle"


class Answering(socketserver.BaseRequestHandler):
    """Answers each request with the same words."""

    def handle(self) -> None:
        while self.request.recv(100):
            self.request.sendall(ANSWER)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = Proxy(server.server_address)
        yield proxy
        proxy.close()
        server.shutdown()


def ask(proxy: Proxy, timeout_seconds: float = 2) -> bytes:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout_seconds) as connection:
        connection.sendall(b"?")
        heard = b""
        while len(heard) < len(ANSWER) and (piece := connection.recv(100)):
            heard += piece
        return heard


def test_what_goes_through_is_whole(proxy):
    assert ask(proxy) == ANSWER


def test_a_delayed_answer_is_whole_and_late(proxy):
    proxy.mode = "delay"
    began = time.monotonic()
    assert ask(proxy) == ANSWER
    assert time.monotonic() - began >= DELAY_SECONDS


def test_a_cut_answer_ends_in_its_middle(proxy):
    proxy.mode = "cut"
    heard = ask(proxy)
    assert heard and heard == ANSWER[: len(heard)] and len(heard) < len(ANSWER)


def test_a_dripping_answer_comes_in_the_end(proxy):
    proxy.mode = "drip"
    assert ask(proxy, timeout_seconds=5) == ANSWER


def test_a_swallowed_request_has_no_answer(proxy):
    proxy.mode = "swallow"
    with pytest.raises(TimeoutError):
        ask(proxy, timeout_seconds=0.5)


def test_a_refused_connection_has_no_answer(proxy):
    proxy.mode = "refuse"
    with suppress(ConnectionError):
        assert ask(proxy) == b""
