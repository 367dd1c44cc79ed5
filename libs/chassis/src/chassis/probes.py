"""Probes: the worker's own /livez, /readyz and /metrics, answered by its event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chassis import health, metrics
from chassis.health import Readiness

REQUEST_SECONDS = 5.0
REQUEST_BYTES = 8192
_JSON = "application/json"


class AddressUnusable(Exception):
    """The address to listen on is taken, or none of this machine's."""


class Probes:
    """A small HTTP/1.1 server (RFC 9112) for three paths, one request a connection. As it runs in the loop of
    the tasks, a loop that hangs does not answer /livez."""

    def __init__(self, bind: str, readiness: Readiness, *, request_seconds: float = REQUEST_SECONDS) -> None:
        """Take the address, "host:port", "[host]:port" or "unix:path", and how long a request may take."""
        self._bind = bind
        self._request_seconds = request_seconds
        self._readiness = readiness
        # Of its own: the loop's other threads may all be busy.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="probes")
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises AddressUnusable."""
        try:
            await self._listen()
        except OSError as failure:
            raise AddressUnusable(f"{self._bind}: {failure.strerror or failure}") from failure

    async def _listen(self) -> None:
        if self._bind.startswith("unix:"):
            path = self._bind.removeprefix("unix:")
            self._server = await asyncio.start_unix_server(self._serve, path, limit=REQUEST_BYTES)
        else:
            host, _, port = self._bind.rpartition(":")
            self._server = await asyncio.start_server(
                self._serve, host.strip("[]") or None, int(port), limit=REQUEST_BYTES
            )

    @property
    def port(self) -> int:
        """The port it listens on; of interest when it was told to take any (0)."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._request_seconds):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head))
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asks so gets no answer
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.split(b" ", 1)[0].split(b"?", 1)[0]
        answers: dict[bytes, Callable[[], tuple[int, str, bytes]]] = {
            b"/livez": self._livez,
            b"/readyz": self._readyz,
            b"/metrics": self._metrics,
        }
        if path not in answers:
            return _response(404, _JSON, b"{}")
        if method != b"GET":
            return _response(405, _JSON, b"{}", "Allow: GET\r\n")
        loop = asyncio.get_running_loop()
        return _response(*await loop.run_in_executor(self._threads, answers[path]))

    def _livez(self) -> tuple[int, str, bytes]:
        return 200, _JSON, b'{"status":"alive"}'

    def _readyz(self) -> tuple[int, str, bytes]:
        status, body = health.answer(self._readiness)
        return status, _JSON, body

    def _metrics(self) -> tuple[int, str, bytes]:
        return 200, metrics.CONTENT_TYPE, metrics.exposition()


def _response(status: int, content_type: str, body: bytes, headers: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} \r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nConnection: close\r\n{headers}\r\n"
    )
    return head.encode() + body
