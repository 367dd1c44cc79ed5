"""Calls to other services: signed, inside the request's deadline, retried only where that is safe, with a
breaker."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from prometheus_client import Gauge
from urllib3.exceptions import HTTPError

from chassis import context
from chassis.assertions import Signer
from chassis.breaker import Breaker
from chassis.context import RequestContext
from chassis.errors import DeadlineExceeded, Unavailable
from chassis.peer_answers import PeerError, PeerNonsense, PeerResponse, PeerTimeout, PeerUnavailable
from chassis.peer_session import session_to
from chassis.presenting import dump_bytes
from chassis.spans import calling

if TYPE_CHECKING:
    from chassis.tls import Credentials

__all__ = ["Peer", "PeerError", "PeerNonsense", "PeerResponse", "PeerTimeout", "PeerUnavailable"]

_SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_BACKOFF_SECONDS, _BACKOFF_MAX_SECONDS = 0.05, 1.0
_BODY_MAX_BYTES = 8 * 1024 * 1024
_breaker_open = Gauge(
    "peer_breaker_open",
    "1 while a peer is left alone because it kept failing, of any process' view",
    ("peer",),
    multiprocess_mode="livemax",
)


class Peer:
    """One other service. Its connections are pooled and shared by all threads; nothing of one call (no
    cookie, no proxy from the environment) is carried into the next."""

    def __init__(
        self,
        name: str,
        base_url: str,
        signer: Signer,
        *,
        connect_timeout_seconds: float = 0.5,
        read_timeout_seconds: float = 2.0,
        attempts: int = 3,
        breaker: Breaker | None = None,
        tls: "Credentials | None" = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._signer = signer
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        self._attempts = attempts
        self._breaker = breaker or Breaker()
        self._shown_open = False
        self._shown = _breaker_open.labels(name)
        self._shown.set(False)
        self._pause = pause
        self._tls = tls
        self._session = session_to(name, tls)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        subject: object = None,
        idempotency_key: object = None,
    ) -> PeerResponse:
        """Send one request for a user (`subject`, their id) and return the answer, within the current
        deadline.

        GET, HEAD, PUT, DELETE and what has an `idempotency_key` are tried again, with backoff and jitter,
        when the peer cannot be reached, answers 502, 503 or 504, or still works on the same key. Raises
        PeerUnavailable, PeerTimeout, PeerNonsense, and PeerError for an answer of 4xx.
        """
        again = method in _SAFE or idempotency_key is not None
        body = None if json is None else dump_bytes(json)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = str(idempotency_key)
        request = _Request(method, self._base_url + path, params, body, headers, subject and str(subject))
        for attempt in range(1, self._attempts + 1):
            try:
                return self._attempt(request)
            except _Failed as failed:
                wait = max(failed.retry_after_seconds, _backoff_seconds(attempt))
                last = attempt == self._attempts or wait >= context.current().deadline - time.monotonic()
                if last or failed.final or not again:
                    raise failed.told from failed.__cause__
                self._pause(wait)
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, request: "_Request") -> PeerResponse:
        if wait := self._breaker.wait_seconds():
            told = PeerUnavailable(f"{self.name} is left alone.", retry_after_seconds=wait)
            raise _Failed(told, retry_after_seconds=wait, final=True)
        try:
            answer = self._send(request)
        except _Failed as failed:
            self._ended(self._breaker.failed if failed.of_the_peer else self._breaker.abandoned)
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._ended(self._breaker.succeeded)
        if answer.status >= 400:
            raise _refusal(self.name, answer)
        return answer

    def _ended(self, tell: Callable[[], None]) -> None:
        tell()
        if self._breaker.open is not self._shown_open:
            self._shown_open = self._breaker.open
            self._shown.set(self._shown_open)

    def _send(self, request: "_Request") -> PeerResponse:
        here = context.current()
        traceparent = context.child_traceparent(here.traceparent)
        if here.spans is None:
            return self._exchange(request, here, traceparent, {})
        attributes = {"http.request.method": request.method, "server.address": self.name}
        with calling(here, f"{request.method} {self.name}", attributes, span_id=traceparent[36:52]) as told:
            return self._exchange(request, here, traceparent, told)

    def _exchange(
        self, request: "_Request", here: RequestContext, traceparent: str, told: dict[str, Any]
    ) -> PeerResponse:
        left = here.remaining_seconds()
        until = time.monotonic() + min(left, self._read_timeout_seconds)
        timeout = (min(left, self._connect_timeout_seconds), min(left, self._read_timeout_seconds))
        try:
            with self._session.request(
                request.method,
                request.url,
                params=request.params,
                data=request.body,
                headers={**request.headers, **self._inside_headers(request.subject, here, traceparent, left)},
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            ) as answer:
                body = _read(answer, until)
        except (requests.Timeout, TimeoutError) as late:
            # Cut short by the caller's deadline, it says nothing about the peer.
            raise _Failed(PeerTimeout(), of_the_peer=left > self._read_timeout_seconds) from late
        except (requests.RequestException, HTTPError) as gone:
            if self._tls is not None and isinstance(gone, requests.exceptions.SSLError):
                self._tls.tell("no connection to peer", gone, peer=self.name)
            raise _Failed(PeerUnavailable(f"{self.name} cannot be reached.")) from gone
        told["http.response.status_code"] = answer.status_code
        if answer.status_code >= 500:
            down = PeerUnavailable(f"{self.name} answered {answer.status_code}.")
            raise _Failed(down, retry_after_seconds=_seconds(answer.headers), final=answer.status_code == 500)
        return PeerResponse(answer.status_code, answer.headers, body)

    def _inside_headers(
        self, subject: str | None, here: RequestContext, traceparent: str, left: float
    ) -> dict[str, str]:
        actor = self._signer.issuer if subject is not None else None
        headers = {
            "Authorization": f"Bearer {self._signer.sign(self.name, subject, actor=actor)}",
            "X-Request-ID": here.request_id,
            "traceparent": traceparent,
        }
        if left != float("inf"):
            headers["X-Request-Deadline-Ms"] = str(int(left * 1000))
        return headers


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    params: Mapping[str, Any] | None
    body: bytes | None
    headers: Mapping[str, str]
    subject: str | None


class _Failed(Exception):
    """One attempt failed: what to tell if it was the last, and whether another makes sense."""

    def __init__(
        self,
        told: Unavailable | DeadlineExceeded,
        *,
        retry_after_seconds: float = 0.0,
        of_the_peer: bool = True,
        final: bool = False,
    ) -> None:
        super().__init__(str(told))
        self.told = told
        self.retry_after_seconds = retry_after_seconds
        self.of_the_peer = of_the_peer
        self.final = final


def _refusal(name: str, answer: PeerResponse) -> Exception:
    try:
        problem = answer.json()
    except PeerNonsense:
        problem = None
    code, detail = (problem.get("code"), problem.get("detail")) if isinstance(problem, dict) else ("", "")
    if code == "request_in_progress":
        told = PeerUnavailable(f"{name} still works on the first request.")
        return _Failed(told, retry_after_seconds=_seconds(answer.headers))
    return PeerError(answer.status, str(code or ""), str(detail or ""))


def _read(answer: requests.Response, until: float) -> bytes:
    """Return the body; each piece is waited for at most the read timeout, all of them until a monotonic
    moment."""
    pieces, size = [], 0
    while piece := answer.raw.read1(64 * 1024, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > until:
            raise TimeoutError("the answer takes too long")
        if size > _BODY_MAX_BYTES:
            raise requests.RequestException("the answer is too large")
    return b"".join(pieces)


def _backoff_seconds(attempt: int) -> float:
    """Return a wait with full jitter:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"""
    return random.uniform(0, min(_BACKOFF_MAX_SECONDS, _BACKOFF_SECONDS * 2**attempt))


def _seconds(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else 0.0
