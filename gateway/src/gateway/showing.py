"""What the gateway shows of the system: its own public pages, and in each process what keeps them true."""

from functools import partial
from pathlib import Path

import gevent
from flask import Flask, Response

from chassis import context
from chassis.assertions import Signer
from gateway.fetching import fetch_from
from gateway.pages import Page, paper, read_pages
from gateway.paper import FOLDER, Papers
from gateway.reference.keeping import DOCUMENT, Publisher, Reference
from gateway.reloading import CurrentRoutes
from gateway.settings import Settings
from gateway.status.keeping import Status
from gateway.status.observing import Observer
from gateway.upstream.fleet import Fleet
from gateway.upstream.service import Service

SHOP = Path(__file__).with_name("shop")
STYLE = "/papers.css"
_DOCUMENT_SECONDS = 2.0


class Showing:
    """The pages by path: made before the fork, so that no process is without, and made again after it."""

    def __init__(self, settings: Settings, current: CurrentRoutes, signer: Signer) -> None:
        self._settings = settings
        self._current = current
        self._signer = signer
        papers = Papers()
        self._status = Status(
            papers, release=settings.release, interval_seconds=settings.status_interval_seconds
        )
        self._publisher = Publisher(papers, release=settings.release, origin=settings.token_issuer)
        nothing_yet = dict.fromkeys(settings.upstream_urls)
        self.pages: dict[str, Page] = {
            **read_pages(SHOP),
            STYLE: paper(STYLE, (FOLDER / STYLE.strip("/")).read_bytes()),
            **self._publisher.pages(current.routes, nothing_yet),
            **self._status.pages(),
        }

    def init_app(self, app: Flask) -> None:
        """Serve what only the gateway's own network may see."""
        self._status.init_app(app)
        style = self.pages[STYLE]

        def papers_css() -> Response:
            context.current().route = STYLE
            return Response(style.body, content_type=style.media_type)

        app.add_url_rule(STYLE, view_func=papers_css, provide_automatic_options=False)

    def open(self, fleet: Fleet) -> None:
        """Keep the pages to what the services of this process say."""
        reference = Reference(
            {
                name: (partial(self._document_of, each), each.releases)
                for name, each in fleet.requests.items()
            },
            lambda: self._current.routes,
            self._publisher,
            self.pages.update,
            refresh_seconds=self._settings.reference_refresh_seconds,
            apart=gevent.get_hub().threadpool.apply,
        )
        gevent.spawn(reference.keep_fresh)
        observer = Observer(fleet.requests, release=self._settings.release)
        gevent.spawn(self._status.keep_telling, observer, self.pages.update)

    def _document_of(self, service: Service) -> bytes:
        asked = fetch_from(service, lambda: self._signer.sign(service.name, None))
        return asked(DOCUMENT, _DOCUMENT_SECONDS)
