"""The cache on the way of a GET: an answer that is kept, or one request to the service for all who want the same."""

import logging
import time
from collections import Counter
from typing import Final

import gevent

from chassis.errors import DeadlineExceeded, ServiceError
from gateway.access import Visit
from gateway.cache.entry import Entry
from gateway.cache.flights import Flight, Flights
from gateway.cache.freshness import values
from gateway.cache.origin import Origin
from gateway.cache.store import LONGEST_KEY, Fork, Store, path_of
from gateway.cache.taking import header_values, keep, renew, take, variant_key
from gateway.cache.wishes import NO_WISH, Wish, wish_of
from gateway.front.reply import Reply
from gateway.front.request import Request
from gateway.relaying import relay
from gateway.routes import Route
from gateway.upstream.link import Link

_log = logging.getLogger(__name__)

HIT: Final = "hit"  # kept, and fresh
STALE: Final = "stale"  # kept and no longer fresh: renewed behind its back, or its service is failing
MISS: Final = "miss"  # asked for
REVALIDATED: Final = "revalidated"  # asked for, and unchanged
COLLAPSED: Final = "collapsed"  # asked for by another at the same time
PASS: Final = "pass"  # asked for, and not for sharing

_RETRY_SECONDS = 1.0  # between two tries to renew what serves on while its service is failing
_GRACE_SECONDS = 1.0  # the one who asks learns first that time is up
_PATIENCE_SECONDS = 2.0  # what a service gets where something kept would do instead
_NOT_MODIFIED = 304
_FAILURES = (500, 502, 503, 504)


class NotKept(DeadlineExceeded):
    code = "not_cached"
    title = "No answer is kept, and the request wants no other"


class _Quest:
    """One request that no fresh entry answers at once."""

    __slots__ = ("arrived", "primary", "request", "route", "visit", "wish")

    def __init__(self, primary: bytes, request: Request, visit: Visit, route: Route) -> None:
        self.arrived = time.monotonic()
        self.primary = primary
        self.request = request
        self.visit = visit
        self.route = route
        self.wish: Wish = wish_of(request)


class Cache:
    """Answers GET and HEAD on the routes that say `cache = true`; `outcomes` counts how."""

    def __init__(self, store: Store, origin: Origin) -> None:
        self.store = store
        self._origin = origin
        self.outcomes: Counter[str] = Counter()
        self._at = store.at
        self._flights = Flights()

    def answer(self, request: Request, reply: Reply, visit: Visit, route: Route) -> bool:
        """Answer a request, or tell that it has to go its own way. Raises as asking the service does, and NotKept."""
        now = time.monotonic()
        host = request.single.get(b"host", b"").lower()
        primary = b"%b %b://%b" % (request.target, visit.scheme.encode(), host)
        found = self._at(primary)
        if isinstance(found, Entry) and now < found.fresh_until and b"cache-control" not in request.named:
            self._give(found, HIT, request, reply, visit)
            return True
        return self._seek(_Quest(primary, request, visit, route), reply)

    def forget(self, target: bytes) -> None:
        """Forget what is kept for the path of a target that has been changed (RFC 9111, section 4.4)."""
        path = path_of(target)
        self.store.forget(path)
        self._flights.outdate(path)

    def _seek(self, quest: _Quest, reply: Reply) -> bool:
        until = quest.arrived + quest.route.deadline_seconds
        while True:
            key, entry = self._find(quest.primary, quest.request)
            if entry is not None and self._give_if_usable(key, entry, quest, reply):
                return True
            if quest.wish.only_kept:
                raise NotKept()
            if len(key) > LONGEST_KEY:
                break
            flight = self._flights.to(key)
            if flight is None:
                self._lead(key, entry, quest, reply)
                return True
            flight.wait(until + _GRACE_SECONDS)
            if flight.error is not None:
                raise flight.error
            if self._give_if_meant(flight.entry, quest, reply):
                return True
            if flight.entry is None and not flight.look_again:
                break
        self._count(PASS, quest.visit)
        return False

    def _find(self, primary: bytes, request: Request) -> tuple[bytes, Entry | None]:
        key, found = primary, self._at(primary)
        if isinstance(found, Fork):
            found.used = True
            key = variant_key(primary, found.names, request)
            found = self._at(key)
        return key, found if isinstance(found, Entry) else None

    def _give_if_usable(self, key: bytes, entry: Entry, quest: _Quest, reply: Reply) -> bool:
        now = time.monotonic()
        if now < entry.fresh_until and quest.wish.granted_by(entry, now, quest.arrived):
            outcome = HIT
        elif now < entry.retry_at and now < entry.serves_errors_until:
            outcome = STALE
        elif now < entry.serves_stale_until and quest.wish is NO_WISH:
            outcome = STALE
            if now >= entry.retry_at and self._flights.to(key) is None:
                gevent.spawn(self._renew_behind, key, entry, quest)
        else:
            return False
        self._give(entry, outcome, quest.request, reply, quest.visit)
        return True

    def _give_if_meant(self, entry: Entry | None, quest: _Quest, reply: Reply) -> bool:
        """Give what another's request has brought to one who waited for it, if it fits."""
        if entry is None or header_values(quest.request, entry.varies_by) != entry.vary_values:
            return False
        if not quest.wish.granted_by(entry, time.monotonic(), quest.arrived):
            return False
        self._give(entry, COLLAPSED, quest.request, reply, quest.visit)
        return True

    def _lead(self, key: bytes, entry: Entry | None, quest: _Quest, reply: Reply) -> None:
        """Ask the service, for this one and for all who come meanwhile."""
        with self._flights.begin(key) as flight:
            try:
                brought, outcome = self._fetch(key, entry, quest, flight, reply)
            except ServiceError:
                if reply.status or not _stands_in(entry):
                    raise
                brought, outcome = entry, STALE
            if outcome is STALE and entry is not None:
                entry.retry_at = time.monotonic() + _RETRY_SECONDS
                flight.look_again = True
            self._flights.land(flight)
            if brought is not None:
                self._give(brought, outcome, quest.request, reply, quest.visit)
            else:
                self._count(outcome, quest.visit)

    def _renew_behind(self, key: bytes, entry: Entry, quest: _Quest) -> None:
        """Ask the service for what is to take the place of an entry that serves on meanwhile."""
        if self._flights.to(key) is not None:
            return
        entry.retry_at = time.monotonic() + _RETRY_SECONDS
        try:
            with self._flights.begin(key) as flight:
                self._fetch(key, entry, quest, flight, None)
                flight.look_again = True
        except ServiceError as error:
            _log.info("could not renew an answer: %s", error, extra={"request_id": quest.visit.request_id})

    def _fetch(
        self, key: bytes, entry: Entry | None, quest: _Quest, flight: Flight, reply: Reply | None
    ) -> tuple[Entry | None, str]:
        """Ask the service, and keep what it answers if that may be; what is for one alone goes to `reply`."""
        request, route = quest.request, quest.route
        patience = _PATIENCE_SECONDS if _stands_in(entry) else route.deadline_seconds
        until = flight.asked_at + min(route.deadline_seconds, patience)
        conditions = b"If-None-Match: %b\r\n" % entry.etag if entry is not None and entry.etag else b""
        passed = None
        with self._origin.ask(request, quest.visit, route, conditions, until) as link:
            if entry is not None and conditions and link.answer.status == _NOT_MODIFIED:
                brought, may_be_kept = renew(entry, link, route, flight.asked_at)
                outcome = REVALIDATED
            elif _stands_in(entry) and link.answer.status in _FAILURES:
                return entry, STALE
            else:
                taken = take(link, request, route, flight.asked_at, until, self.store.largest_bytes)
                if taken is None:
                    self._give_up(key, link, flight)
                    if reply is not None:
                        passed = relay(link, request, reply, quest.visit, route, until)
                    outcome = PASS
                else:
                    brought, may_be_kept, outcome = taken, True, MISS
        if outcome is PASS:
            if passed is not None and reply is not None:
                reply.send(*passed)
            return None, PASS
        if not may_be_kept:
            self.store.drop(key)
        elif flight.outdated or keep(self.store, quest.primary, brought, request):
            flight.entry = brought if time.monotonic() < brought.fresh_until else None
        return brought, outcome

    def _give_up(self, key: bytes, link: Link, flight: Flight) -> None:
        """Let those who wait go their own way; what was kept is no longer true, unless the service has just failed."""
        if link.answer.status < 500:
            self.store.drop(key)
        self._flights.land(flight)

    def _give(self, entry: Entry, outcome: str, request: Request, reply: Reply, visit: Visit) -> None:
        entry.used = True
        visit.cache = outcome
        self.outcomes[outcome] += 1
        status, (lines, lines_304, body) = (
            entry.status,
            entry.plain if not entry.packs else entry.as_taken_by(request),
        )
        if b"if-none-match" in request.named and entry.is_known_by(values(request.fields, b"if-none-match")):
            status, lines, body = 304, lines_304, b""
        age = entry.age(time.monotonic())
        own = b"%bage: %d\r\n%b%bx-request-id: %b\r\n"
        reply.send(status, own % (lines, age, visit.made, visit.rates, visit.request_id.encode()), body)

    def _count(self, outcome: str, visit: Visit) -> None:
        visit.cache = outcome
        self.outcomes[outcome] += 1


def _stands_in(entry: Entry | None) -> bool:
    """Tell whether an entry may be given out where its service fails."""
    return entry is not None and time.monotonic() < entry.serves_errors_until
