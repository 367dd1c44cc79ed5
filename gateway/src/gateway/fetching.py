"""Small documents from others, each within a time and a size: over HTTP from anywhere, or from a service of ours."""

import http.client
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import gevent

from chassis.errors import ServiceError
from gateway.upstream.message import Message
from gateway.upstream.service import Service

_LARGEST_ANSWER_BYTES = 262144


class FetchFailed(Exception):
    """The document could not be fetched, or is not what it should be; `refused` when that was the answer (4xx)."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


def fetch_over_http(url: str, seconds: float) -> Callable[[], bytes]:
    """Return a call that gets the body at an address in so many seconds; it follows no redirect and asks no proxy.

    It raises FetchFailed.
    """
    parts = urlsplit(url)
    connection_type = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def get() -> bytes:
        connection = connection_type(parts.hostname or "", parts.port, timeout=seconds)
        try:
            connection.request("GET", target, headers={"Accept": "application/json"})
            response = connection.getresponse()
            return _checked(url, response.status, response.read(_LARGEST_ANSWER_BYTES + 1))
        finally:
            connection.close()

    def fetch() -> bytes:
        try:
            return gevent.with_timeout(seconds, get)
        except (OSError, http.client.HTTPException, gevent.Timeout) as failure:
            raise FetchFailed(f"{url}: {type(failure).__name__}: {failure}") from failure

    return fetch


def fetch_from(service: Service, assertion: Callable[[], str]) -> Callable[[str, float], bytes]:
    """Return a call that gets the body at a target of a service of ours in so many seconds, by the gateway's own
    assertion. It raises FetchFailed."""

    def fetch(target: str, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        fields = f"Authorization: Bearer {assertion()}\r\nAccept: application/json\r\n\r\n"
        try:
            link = service.ask(Message("GET", f"GET {target} HTTP/1.1\r\n".encode(), fields.encode(), until))
        except ServiceError as failure:
            raise FetchFailed(f"{target}: {failure!r}") from failure
        try:
            body = link.answer.take()
            while not link.answer.complete and len(body) <= _LARGEST_ANSWER_BYTES:
                link.wait(until)
                body += link.answer.take()
        except ServiceError as failure:
            raise FetchFailed(f"{target}: {failure!r}") from failure
        finally:
            service.release(link)
        return _checked(target, link.answer.status, body)

    return fetch


def _checked(where: str, status: int, body: bytes) -> bytes:
    if status != 200 or len(body) > _LARGEST_ANSWER_BYTES:
        raise FetchFailed(f"{where} answered {status} with {len(body)} bytes", refused=400 <= status < 500)
    return body
