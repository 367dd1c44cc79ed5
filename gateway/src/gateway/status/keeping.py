"""The status pages: the public ones kept in memory, those of the gateway's own address made when they are asked for."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import NoReturn

import gevent
import orjson
from flask import Flask, Response

from chassis import context
from gateway.pages import PAPER_POLICY, Page, paper
from gateway.paper import Papers
from gateway.status.observing import Observer
from gateway.status.reports import Reports
from gateway.status.view import View, own_view, public_view

PAGE, DOCUMENT = "/status", "/status.json"
_STALE_INTERVALS = 5
_log = logging.getLogger(__name__)


class Status:
    """How the services are; each process looks and tells the others every `interval_seconds`."""

    def __init__(self, papers: Papers, *, release: str, interval_seconds: float) -> None:
        stale_seconds = max(5.0, _STALE_INTERVALS * interval_seconds)
        self._reports = Reports.beside_metrics(os.environ, stale_seconds=stale_seconds)
        self._papers = papers
        self._release = release
        self._interval_seconds = interval_seconds
        self._shown: View | None = None

    def pages(self) -> dict[str, Page]:
        """Return the public pages as they are now, by path."""
        return self._pages(public_view(self._reports.read(), release=self._release))

    def keep_telling(self, observer: Observer, publish: Callable[[Mapping[str, Page]], object]) -> NoReturn:
        """Look for ever; the greenlet of it runs beside the requests."""
        while True:
            try:
                self._reports.write(observer.report())
                self._show(publish)
            except OSError as failure:
                _log.warning("status not told", extra={"cause": str(failure)})
            gevent.sleep(self._interval_seconds)

    def init_app(self, app: Flask) -> None:
        """Serve the pages with all that is known on the gateway's own address."""

        def page() -> Response:
            context.current().route = PAGE
            body = self._papers.render("status.html", view=self._own(), own=True)
            response = Response(body, content_type="text/html; charset=utf-8")
            response.headers["Content-Security-Policy"] = PAPER_POLICY
            return _not_kept(response)

        def document() -> Response:
            context.current().route = DOCUMENT
            return _not_kept(Response(orjson.dumps(self._own()), content_type="application/json"))

        app.add_url_rule(PAGE, endpoint="status", view_func=page, provide_automatic_options=False)
        app.add_url_rule(
            DOCUMENT, endpoint="status.json", view_func=document, provide_automatic_options=False
        )

    def _own(self) -> View:
        return own_view(self._reports.read(), release=self._release)

    def _show(self, publish: Callable[[Mapping[str, Page]], object]) -> None:
        view = public_view(self._reports.read(), release=self._release)
        if view != self._shown:
            publish(self._pages(view))
            self._shown = view

    def _pages(self, view: View) -> dict[str, Page]:
        made = {
            PAGE: self._papers.render("status.html", view=view, own=False),
            DOCUMENT: orjson.dumps(view, option=orjson.OPT_APPEND_NEWLINE),
        }
        return {path: paper(path, body) for path, body in made.items()}


def _not_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
