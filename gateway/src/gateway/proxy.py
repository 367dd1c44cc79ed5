"""One request from the front to a service and back."""

import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from email.utils import formatdate
from functools import partial

from chassis.assertions import Signer
from chassis.errors import Forbidden, ServiceError
from gateway.access import AccessLog, Visit
from gateway.body import framing, gather, pieces
from gateway.cache.answering import Cache
from gateway.channel import Cancelled
from gateway.cors import Cors
from gateway.forwarded import Proxies
from gateway.front.refusals import Refusal
from gateway.front.reply import Reply, ReplyAbandoned
from gateway.front.request import Request
from gateway.headers import upstream_head
from gateway.identity import Caller, TokenMissing, Tokens, digest_of
from gateway.logins import Logins
from gateway.pages import Page
from gateway.places import StreamPlaces
from gateway.protection import API_FIELDS, PAGE_FIELDS
from gateway.rates import Rates
from gateway.refusing import explain
from gateway.relaying import relay
from gateway.routes import ADMIN, PUBLIC, Place, Route, Routes, WrongMethod
from gateway.target import read_path
from gateway.tracing import Tracing
from gateway.upstream.message import SAFE, Message, Pieces
from gateway.upstream.service import Service

_log = logging.getLogger(__name__)
_KEY = b"idempotency-key"
_UNTRACED = nullcontext()


class Proxy:
    """The handler of the public front. `upstreams`, and `streams` for answers that go on and on, are by the names the
    routes use, `pages` by path; `places` are those of streams, `proxies` in front; `cache`, `tracing` may be none."""

    def __init__(
        self,
        *,
        routes: Routes,
        pages: Mapping[str, Page],
        tokens: Tokens,
        signer: Signer,
        upstreams: Mapping[str, Service],
        streams: Mapping[str, Service],
        places: StreamPlaces,
        rates: Rates,
        logins: Logins,
        cache: Cache | None,
        access: AccessLog,
        proxies: Proxies,
        cors: Cors,
        tracing: Tracing | None = None,
    ) -> None:
        self._routes = routes
        self._pages = pages
        self._tokens = tokens
        self._signer = signer
        self._upstreams = upstreams
        self._streams = streams
        self._places = places
        self._rates = rates
        self._logins = logins
        self._cache = cache
        self._access = access
        self._proxies = proxies
        self._cors = cors
        self._tracing = tracing

    def serve(self, request: Request, reply: Reply) -> None:
        """Answer a request: with the service's answer, or with a problem document."""
        scheme = self._proxies.recognise(request)
        visit = Visit(request, scheme, API_FIELDS[scheme] + self._cors.fields(request.single.get(b"origin")))
        if self._tracing is not None:
            self._tracing.begin(visit)
        try:
            self._answer(request, reply, visit)
        except Refusal as refusal:
            request.keep_alive = False
            _tell(refusal, reply, visit)
        except ServiceError as error:
            _tell(error, reply, visit)
        except (OSError, Cancelled):
            raise  # the client left, or will not take what it asked for
        except Exception:  # noqa: BLE001  # the outermost boundary of the data path
            _log.exception("unexpected error", extra={"request_id": visit.request_id})
            _tell(ServiceError(), reply, visit)
        finally:
            self._access.record(visit, reply.status, reply.body_bytes)

    def use(self, routes: Routes) -> None:
        """Find the routes of the requests to come in these."""
        self._routes = routes

    def refuse(self, refusal: Refusal, reply: Reply, peer: str) -> None:
        """Answer what could not be read as a request."""
        scheme = self._proxies.scheme
        visit = Visit(None, scheme, API_FIELDS[scheme] + self._cors.fields(None))
        try:
            _tell(refusal, reply, visit)
        finally:
            self._access.record(visit, reply.status, reply.body_bytes)

    def close(self) -> None:
        """Tell what is still to be recorded, and close the unused connections to the services."""
        self._access.flush()
        self._access.count()
        for upstream in [*self._upstreams.values(), *self._streams.values()]:
            upstream.close()

    def _answer(self, request: Request, reply: Reply, visit: Visit) -> None:
        path = read_path(request.target)
        page = visit.route = self._pages.get(path)
        if page is not None:
            page.answer(request, reply, visit.request_id, PAGE_FIELDS[visit.scheme])
            return
        if self._cors.asks(request):
            self._allow(request, reply, visit, self._routes.find(path))
            return
        route = visit.route = self._routes.match(request.method, path)
        if route.takes_cookies:
            visit.made += self._cors.with_cookies(request.single.get(b"origin"))
        self._pass_on(request, reply, visit, route)

    def _allow(self, request: Request, reply: Reply, visit: Visit, place: Place) -> None:
        visit.route = next(iter(place.routes.values()))
        fields = visit.made + self._cors.allowance(request, place)
        dated = f"date: {formatdate(usegmt=True)}\r\nx-request-id: {visit.request_id}\r\n"
        reply.send(204, fields + dated.encode(), b"")

    def _pass_on(self, request: Request, reply: Reply, visit: Visit, route: Route) -> None:
        visit.rates = self._rates.of_address(request.peer, request.started_at)
        caller = visit.caller = self._admit(request, route)
        user_id = caller.user_id if caller is not None else None
        visit.rates += self._rates.of_caller(route, user_id, request.peer, request.started_at)
        request.body_seconds = route.body_seconds
        held = gather(request, route.body_max_bytes)
        if not route.throttles_logins:
            if self._cache is None or not (route.cache and self._cache.answer(request, reply, visit, route)):
                self._exchange(request, reply, visit, route, held)
            return
        with self._logins.attempt(held, request.peer, whole=request.complete) as visit.attempt:
            self._exchange(request, reply, visit, route, held)

    def _exchange(self, request: Request, reply: Reply, visit: Visit, route: Route, held: bytes) -> None:
        with _UNTRACED if visit.trace is None else visit.trace.asking(route, lambda: reply.status):
            self._ask(request, reply, visit, route, held)

    def _ask(self, request: Request, reply: Reply, visit: Visit, route: Route, held: bytes) -> None:
        start, rest = self._head(request, route, visit, held)
        if not route.stream_seconds:
            _exchange(self._upstreams[route.upstream], request, reply, visit, route, start, rest, held)
            if self._cache is not None and request.method not in SAFE and reply.status < 400:
                self._cache.forget(request.target)
            return
        # Many who follow their orders must leave room for those who place one, and each of them for the others.
        with self._places.one_of(visit.caller.user_id if visit.caller is not None else None, request.peer):
            _exchange(self._streams[route.upstream], request, reply, visit, route, start, rest, held)

    def _admit(self, request: Request, route: Route) -> Caller | None:
        authorization = request.single.get(b"authorization") if route.reads_token else None
        if authorization is None:
            if route.policy != PUBLIC:
                raise TokenMissing()
            return None
        digest = request.notes.get("digest")
        if digest is None:
            digest = request.notes["digest"] = digest_of(authorization)
        caller = self._tokens.caller(authorization, digest)
        if route.policy == ADMIN and ADMIN not in caller.roles:
            raise Forbidden("Only an administrator may do that.")
        return caller

    def _head(self, request: Request, route: Route, visit: Visit, held: bytes) -> tuple[bytes, bytes]:
        # What may be kept for all is about nobody, even when it is not kept.
        caller = visit.caller if not route.cache else None
        user_id = caller.user_id if caller is not None else None
        claims = {"roles": [ADMIN]} if caller is not None and ADMIN in caller.roles else None
        return upstream_head(
            request,
            route,
            assertion=self._signer.sign(route.upstream, user_id, claims),
            request_id=visit.request_id,
            traceparent=visit.traceparent,
            milliseconds=int((route.deadline_seconds + route.stream_seconds) * 1000),
            scheme=visit.scheme,
            framing=framing(request, held),
        )


def _exchange(
    service: Service,
    request: Request,
    reply: Reply,
    visit: Visit,
    route: Route,
    start: bytes,
    rest: bytes,
    held: bytes,
) -> None:
    until = time.monotonic() + route.deadline_seconds
    canary = route.canary.share_of(request.fields) if route.canary is not None else 0.0
    if request.complete:
        repeatable = _has_idempotency_key(request, route)
        message = Message(
            request.method,
            start,
            rest + held,
            until,
            repeatable=repeatable,
            canary=canary,
            kind=None if route.stream_seconds else (route.template, request.method),
        )
        link = service.ask(message)
    else:
        body = partial(pieces, request, held, route.body_max_bytes)
        message = Message(request.method, start, rest, until, canary=canary)
        link = service.ask_in_pieces(message, Pieces(body, request.stop_waiting))
    try:
        whole = relay(link, request, reply, visit, route, until + route.stream_seconds)
    finally:
        service.release(link)
    if whole is not None:
        reply.send(*whole)


def _has_idempotency_key(request: Request, route: Route) -> bool:
    """Tell whether the service can know a request that comes twice."""
    return request.method == "POST" and _KEY in route.forward and _KEY in request.named


def _tell(error: ServiceError, reply: Reply, visit: Visit) -> None:
    visit.problem = error
    if reply.status:
        raise ReplyAbandoned("the reply had begun when it failed")
    if isinstance(error, WrongMethod):
        oauth = error.oauth_errors
    else:
        oauth = isinstance(visit.route, Route) and visit.route.oauth_errors
    reply.send(*explain(error, visit.request_id, visit.made + visit.rates, oauth=oauth))
