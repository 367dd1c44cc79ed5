"""The composition root: the gateway's own pages, and the data path that each process opens beside them."""

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask
from limits.storage import Storage

from chassis import health
from chassis.assertions import Signer, Verifier
from chassis.spans import Spans
from chassis.tls_settings import credentials_in
from chassis.trust import TrustBundle
from chassis.web import create_flask, spans_of
from gateway.access import AccessLog
from gateway.cache.answering import Cache
from gateway.cache.counting import count_each_second
from gateway.cache.origin import Origin
from gateway.cache.store import Store
from gateway.channel import Reactor
from gateway.cors import Cors
from gateway.counters import OwnCounters
from gateway.forwarded import Proxies
from gateway.front.limits import Limits
from gateway.issuers import Issuer, load_issuers
from gateway.logins import Logins
from gateway.places import Places, StreamPlaces
from gateway.proxy import Proxy
from gateway.rates import Rates
from gateway.reloading import CurrentRoutes
from gateway.route_file import load
from gateway.settings import Settings
from gateway.shared_counters import Redis, SharedCounters
from gateway.showing import Showing
from gateway.tracing import Tracing
from gateway.upstream.fleet import Fleet
from gateway.upstream.service import Service
from gateway.verifying import open_tokens

if TYPE_CHECKING:
    from chassis.tls import Credentials

NAME = "gateway"


class DataPath:
    """What a process needs to serve the public; `open` is called after the fork. The routes are `current` ones."""

    def __init__(
        self,
        settings: Settings,
        current: CurrentRoutes,
        showing: Showing,
        signer: Signer,
        issuers: Iterable[Issuer],
        spans: Spans | None,
        tls: "Credentials | None",
    ) -> None:
        self._settings = settings
        self._tls = tls
        self.current = current
        self._showing = showing
        self._signer = signer
        self._issuers = issuers
        self._spans = spans

    @property
    def limits(self) -> Limits:
        """What one client may take."""
        return self._settings.limits

    def follow(self) -> bool:
        """Take what is new on disk; tell whether there are new routes."""
        if self._tls is not None:
            self._tls.follow()
        return self.current.follow()

    def open(self, reactor: Reactor) -> Proxy:
        """Return the handler of the public front, with connection pools and keys of this process."""
        settings = self._settings
        fleet = Fleet(reactor, settings.upstream_urls, settings.canary_urls, settings.ways, self._tls)
        counters = _counters(settings)
        self._showing.open(fleet)
        return Proxy(
            routes=self.current.routes,
            pages=self._showing.pages,
            tokens=open_tokens(settings, self._issuers, fleet.requests["users"], self._signer),
            signer=self._signer,
            upstreams=fleet.requests,
            streams=fleet.streams,
            places=StreamPlaces(Places(settings.streams_per_user), Places(settings.streams_per_address)),
            rates=Rates(
                counters(),
                per_address=settings.rate_per_address,
                per_user=settings.rate_per_user,
                exempt=settings.rate_exempt_networks,
            ),
            logins=Logins(
                counters(),
                counters(),
                key=settings.signing_key_file.read_bytes(),
                rule=settings.login_rule,
            ),
            cache=self._cache(reactor, fleet.requests),
            access=AccessLog(
                reactor,
                release=settings.release,
                failures_only=not logging.getLogger("access").isEnabledFor(logging.INFO),
            ),
            proxies=Proxies(settings.trusted_networks, settings.public_scheme),
            cors=Cors(settings.allowed_origins),
            tracing=None if self._spans is None else Tracing(self._spans, settings.trace_share),
        )

    def _cache(self, reactor: Reactor, services: Mapping[str, Service]) -> Cache | None:
        if not self._settings.cache_bytes:
            return None
        cache = Cache(Store(self._settings.cache_bytes), Origin(services, self._signer))
        count_each_second(reactor, cache)
        return cache


def create_app(settings: Settings) -> Flask:
    """Make the app of the gateway's own pages; its extension "gateway" is the data path.

    Raises RoutesError and IssuersError for a file that cannot be used.
    """
    current = CurrentRoutes(
        partial(
            load,
            settings.routes_path,
            settings.upstream_urls,
            deadline_seconds=settings.request_deadline_seconds,
            body_max_bytes=settings.body_max_bytes,
            body_seconds=settings.body_timeout_seconds,
            compress_min_bytes=settings.compress_min_bytes,
        )
    )
    issuers = load_issuers(settings.issuers_file, settings.token_issuer)
    signer = Signer.load(settings.signing_key_file, NAME)
    believed = Verifier(TrustBundle.load(settings.trust_bundle_file), NAME)
    app = create_flask(NAME, settings)
    # With a key the bundle does not know, every service would refuse every request.
    health.of(app).register("signing_key", lambda: believed.verify(signer.sign(NAME, None)))
    showing = Showing(settings, current, signer)
    showing.init_app(app)
    app.extensions[NAME] = DataPath(
        settings, current, showing, signer, issuers, spans_of(app), credentials_in(app)
    )
    return app


def _counters(settings: Settings) -> Callable[[], Storage]:
    """Return what makes counters: in Redis, if there is one, else in the memory of this process. Each has a memory of
    its own, so that who floods one makes nothing forgotten in another."""
    if not settings.redis_url:
        return OwnCounters
    redis = Redis.connect(
        settings.redis_url.reveal(),
        timeout_seconds=settings.redis_timeout_seconds,
        pause_seconds=settings.redis_pause_seconds,
    )
    return lambda: SharedCounters(redis, OwnCounters())
