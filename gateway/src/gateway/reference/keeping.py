"""The merged document and its page, kept to what the running services say of themselves."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import gevent
import orjson

from gateway.fetching import FetchFailed
from gateway.pages import Page, paper
from gateway.paper import Papers
from gateway.reference.document import DocumentRefused, ServiceDocument
from gateway.reference.merging import merge
from gateway.reference.page import reference_page
from gateway.routes import Routes

DOCUMENT, PAGE = "/openapi.json", "/reference"
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.5, 10.0
_TICK_SECONDS = 0.5
_log = logging.getLogger(__name__)

Fetch = Callable[[], bytes]
Releases = Callable[[], frozenset[str]]


class Publisher:
    """Makes the pages of the reference. `release` and `origin` are the gateway's own."""

    def __init__(self, papers: Papers, *, release: str, origin: str) -> None:
        self._papers = papers
        self._release = release
        self._origin = origin

    def pages(self, routes: Routes, documents: Mapping[str, ServiceDocument | None]) -> dict[str, Page]:
        """Return the document of all services and its page, by path."""
        merged = merge(routes.all, documents, release=self._release, origin=self._origin)
        made = {DOCUMENT: _as_json(merged), PAGE: reference_page(merged, self._papers)}
        return {path: paper(path, body) for path, body in made.items()}


@dataclass(slots=True)
class _Described:
    """What is known of one service: its document, and when and for which releases it is asked for again."""

    fetch: Fetch
    releases: Releases
    document: ServiceDocument | None = None
    body: bytes = b""
    seen: frozenset[str] = frozenset()
    due_at: float = float("-inf")
    pause: float = _FIRST_RETRY_SECONDS


class Reference:
    """Asks each service for its document, by `fetch`, when it has not answered yet, when its releases are others, and
    each `refresh_seconds`; `publish` gets the pages whenever they change. While a service is down its last one stays.
    """

    def __init__(
        self,
        services: Mapping[str, tuple[Fetch, Releases]],
        routes: Callable[[], Routes],
        publisher: Publisher,
        publish: Callable[[Mapping[str, Page]], object],
        *,
        refresh_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        apart: Callable[..., Mapping[str, Page]] = lambda call, arguments: call(*arguments),
    ) -> None:
        """`apart` makes a call beside the requests."""
        self._services = {name: _Described(*ways) for name, ways in services.items()}
        self._routes = routes
        self._publisher = publisher
        self._publish = publish
        self._refresh_seconds = refresh_seconds
        self._monotonic = monotonic
        self._apart = apart
        self._made_for: Routes | None = None

    def keep_fresh(self) -> NoReturn:
        """Look for ever; the greenlet of it runs beside the requests."""
        while True:
            self.look()
            gevent.sleep(_TICK_SECONDS)

    def look(self) -> None:
        """Ask those that are due, and make the pages again where something has changed."""
        for name, service in self._services.items():
            if self._monotonic() >= service.due_at or service.releases() != service.seen:
                self._ask(name, service)
        if self._routes() is not self._made_for:
            self._make({name: service.document for name, service in self._services.items()})

    def _ask(self, name: str, service: _Described) -> None:
        releases = service.releases()
        try:
            body = service.fetch()
            if body != service.body:
                self._take(name, service, body)
        except (FetchFailed, DocumentRefused) as failure:
            level = logging.DEBUG if isinstance(failure, FetchFailed) else logging.WARNING
            _log.log(level, "document not taken", extra={"upstream": name, "cause": str(failure)})
            service.due_at = self._monotonic() + service.pause
            service.pause = min(service.pause * 2, _LONGEST_RETRY_SECONDS)
        else:
            service.due_at = self._monotonic() + self._refresh_seconds
            service.pause = _FIRST_RETRY_SECONDS
        service.seen = releases

    def _take(self, name: str, service: _Described, body: bytes) -> None:
        """Publish a new document with those of the others. Raises DocumentRefused; the one before then stays."""
        others = {each: described.document for each, described in self._services.items()}
        try:
            document = ServiceDocument(body)
            self._make({**others, name: document})
        except (LookupError, TypeError, ValueError, AttributeError) as wrong:
            raise DocumentRefused(f"it cannot be merged: {wrong!r}") from wrong
        service.document, service.body = document, body
        _log.info("document taken", extra={"upstream": name, "version": document.info.get("version")})

    def _make(self, documents: Mapping[str, ServiceDocument | None]) -> None:
        routes = self._routes()
        self._publish(self._apart(self._publisher.pages, (routes, documents)))
        self._made_for = routes


def _as_json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
