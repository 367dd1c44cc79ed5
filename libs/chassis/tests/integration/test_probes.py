"""The worker's small HTTP server, asked well and badly."""

import asyncio

import pytest

from chassis.health import Readiness
from chassis.probes import Probes


def ask(*requests: bytes) -> list[bytes]:
    """Send each request on a connection of its own, all at once; return the answers."""

    async def one(port: int, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        try:
            return await reader.read()
        except ConnectionError:  # closed with our bytes unread
            return b""
        finally:
            writer.close()

    async def main() -> list[bytes]:
        probes = Probes("127.0.0.1:0", Readiness(), request_seconds=0.3)
        await probes.start()
        try:
            return await asyncio.gather(*(one(probes.port, request) for request in requests))
        finally:
            probes.close()

    return asyncio.run(main())


def test_a_good_request_is_answered_beside_half_sent_ones():
    *slow, good = ask(*[b"GET /livez HT"] * 20, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert good.startswith(b"HTTP/1.1 200 ")
    assert slow == [b""] * 20


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /readyz?x=1 HTTP/1.1", b"200"),
        (b"GET /elsewhere HTTP/1.1", b"404"),
        (b"POST /livez HTTP/1.1", b"405"),
        (b"nonsense", b"404"),
    ],
)
def test_the_status_of(request_line, status):
    (answer,) = ask(request_line + b"\r\n\r\n")
    assert answer.split()[1] == status


def test_an_endless_head_is_not_read():
    assert ask(b"GET /livez HTTP/1.1\r\nX: " + b"x" * 100_000) == [b""]
