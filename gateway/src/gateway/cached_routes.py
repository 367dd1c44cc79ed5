"""Routes whose answers are kept and shared: what such a route may be, and what its service gets to see of a client."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.routes import PUBLIC

_OF_ONE_CLIENT = frozenset(("cookie", "idempotency-key", "last-event-id"))
# A GET has no content, and the cache makes conditions of its own.
_NOT_SHARED = frozenset(("content-type", "if-none-match", "if-modified-since")) | _OF_ONE_CLIENT


def faults_of_cached(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what keeps an entry of the route file from having `cache`."""
    if not entry.get("cache"):
        return
    if entry.get("policy") != PUBLIC:
        yield "cache is for public routes"
    if entry.get("methods") != ["GET"]:
        yield "cache is for GET alone"
    if "stream_seconds" in entry:
        yield "cache is not for streams"
    forward = entry.get("forward", [])
    if isinstance(forward, list) and any(name in _OF_ONE_CLIENT for name in forward):
        yield "cache is not for what forwards one client's own"


def shared_forward(forward: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return what of a route's `forward` goes with a request whose answer may be for all."""
    return {name: line for name, line in forward.items() if name.decode() not in _NOT_SHARED}
