"""Stripe: connections on which no answer takes longer than its request has, however slowly it drips."""

import http.client
import http.cookiejar
import io
import re
import socket
import time
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from chassis import context
from chassis.spans import calling

CONNECT_TIMEOUT_SECONDS = 2.0
# What a request needs after the provider's answer, to store it and to answer itself.
RESERVED_SECONDS = 1.0
CONNECTIONS = 32
# As in /v1/payment_intents/pi_3Q4x/cancel.
_object_id = re.compile(r"(?<=/)[a-z]+_[A-Za-z0-9]*[0-9][A-Za-z0-9_-]*")
_until: ContextVar[float] = ContextVar("stripe_until")


class BoundedSession(requests.Session):
    """Pooled connections, no cookies, nothing from the environment; a call ends within its timeout and leaves the
    request in hand time to end as well."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(pool_maxsize=CONNECTIONS))
        self._timeout_seconds = timeout_seconds

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request. Raises requests.RequestException; Timeout when no time is left to begin."""
        here = context.current()
        left = min(self._timeout_seconds, here.remaining_seconds() - RESERVED_SECONDS)
        if left <= 0:
            raise requests.Timeout("no time left for a call")
        if here.spans is None:
            return self._within(left, method, url, options)
        parts = urlsplit(url)
        method = method.upper()
        told = {"http.request.method": method, "server.address": str(parts.hostname)}
        # Nothing of the trace goes to the provider: it is a stranger.
        with calling(here, f"{method} {_object_id.sub('{id}', parts.path)}", told) as span:
            answer = self._within(left, method, url, options)
            span["http.response.status_code"] = answer.status_code
            return answer

    def _within(self, left: float, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        token = _until.set(time.monotonic() + left)
        try:
            options["timeout"] = (min(CONNECT_TIMEOUT_SECONDS, left), left)
            return super().request(method, url, **options)
        finally:
            _until.reset(token)


class _BoundedReads(io.RawIOBase):
    # A read timeout is for each piece: many small pieces would take for ever.
    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._until = _until.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class _BoundedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_BoundedReads(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _BoundedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _BoundedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
