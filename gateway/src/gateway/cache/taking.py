"""From what a service answers to an entry, and the key under which it is found."""

import time

from gateway.cache.entry import Entry
from gateway.cache.freshness import Terms, terms, values
from gateway.cache.store import LONGEST_KEY, Fork, Store
from gateway.front.request import Request
from gateway.routes import Route
from gateway.upstream.failures import BadUpstreamAnswer
from gateway.upstream.link import Link

_FOR_ONE = Terms(0, 0, 0, ())


def variant_key(primary: bytes, names: tuple[bytes, ...], request: Request) -> bytes:
    """Return the key of an answer that depends on the request's values of these headers."""
    return primary + b" " + header_values(request, names)


def header_values(request: Request, names: tuple[bytes, ...]) -> bytes:
    """Return the request's values of some headers as one text, that no other values have."""
    lines = [b",".join(value.strip(b" \t") for value in values(request.fields, name)) for name in names]
    return b"".join(b"%d:%b" % (len(line), line) for line in lines)


def renew(entry: Entry, link: Link, route: Route, asked_at: float) -> tuple[Entry, bool]:
    """Return an entry as a 304 renews it, and whether it may still be kept. Raises BadUpstreamAnswer."""
    fields = entry.renewed_by(link.answer.fields)
    if fields is None:
        raise BadUpstreamAnswer("Its 304 is about another answer.")
    agreed = terms(entry.status, fields, route.shared_forward, time.time())
    renewed = Entry(
        entry.status,
        fields,
        entry.body,
        agreed or _FOR_ONE,
        asked_at,
        entry.vary_values,
        pack_bytes=route.compress_min_bytes,
    )
    return renewed, agreed is not None and agreed.varies_by == entry.varies_by


def take(
    link: Link, request: Request, route: Route, asked_at: float, until: float, largest_bytes: int
) -> Entry | None:
    """Wait for the rest of an answer that may be kept, and return it as an entry; None for another, which is left to be
    passed on. Raises BadUpstreamAnswer, DeadlineExceeded."""
    answer = link.answer
    agreed = terms(answer.status, answer.fields, route.shared_forward, time.time())
    if agreed is None or (answer.length or 0) > largest_bytes:
        return None
    while not answer.complete:
        if sum(map(len, answer.chunks)) > largest_bytes:
            return None
        link.wait(until)
    return Entry(
        answer.status,
        answer.fields,
        b"".join(answer.chunks),
        agreed,
        asked_at,
        header_values(request, agreed.varies_by),
        pack_bytes=route.compress_min_bytes,
    )


def keep(store: Store, primary: bytes, entry: Entry, request: Request) -> bool:
    """Keep an entry where it will be looked for; tell whether it is kept."""
    if not entry.varies_by:
        return store.keep(primary, entry)
    fork = store.at(primary)
    if not isinstance(fork, Fork) or fork.names != entry.varies_by:
        store.keep(primary, Fork(entry.varies_by))
    key = variant_key(primary, entry.varies_by, request)
    return len(key) <= LONGEST_KEY and store.keep(key, entry)
