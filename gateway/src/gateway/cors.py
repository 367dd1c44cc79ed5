"""Other origins whose pages may call the API (Fetch standard, CORS): those of a list, and nobody by reflection."""

from collections.abc import Iterable

from gateway.front.request import Request
from gateway.routes import Place

_MAX_AGE_SECONDS = 600
_EXPOSED = (
    "X-Request-ID, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, ETag, Location,"
    " WWW-Authenticate"
)
_ASKED = b"access-control-request-method"
# A browser sends these as it sees fit; the gateway reads them wherever they come from.
_ALWAYS_ALLOWED = ("authorization", "x-request-id")
_NEVER_NAMED = frozenset((b"cookie",))
_CREDENTIALS = b"access-control-allow-credentials: true\r\n"
# The gateway's word alone, whatever a service says.
MADE_HERE = frozenset(
    f"access-control-{name}".encode()
    for name in (
        "allow-origin",
        "allow-credentials",
        "allow-methods",
        "allow-headers",
        "allow-private-network",
        "expose-headers",
        "max-age",
    )
)


class Cors:
    """The list of origins, and what each is told; with an empty list nothing is told at all."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._shown: dict[bytes | None, bytes] = {
            origin.encode(): (
                f"vary: origin\r\naccess-control-allow-origin: {origin}\r\n"
                f"access-control-expose-headers: {_EXPOSED}\r\n"
            ).encode()
            for origin in origins
        }
        self._stranger = b"vary: origin\r\n" if self._shown else b""

    def fields(self, origin: bytes | None) -> bytes:
        """Return the fields of an answer to a page of this origin; None: to one that does not say."""
        return self._shown.get(origin, self._stranger)

    def with_cookies(self, origin: bytes | None) -> bytes:
        """Return what is said besides where cookies are taken."""
        return _CREDENTIALS if origin in self._shown else b""

    def asks(self, request: Request) -> bool:
        """Tell whether a request is the question of a listed origin what it may send (a preflight)."""
        return (
            request.method == "OPTIONS"
            and request.single.get(b"origin") in self._shown
            and any(name == _ASKED for name, _ in request.fields)
        )

    def allowance(self, request: Request, place: Place) -> bytes:
        """Return the fields that answer such a question about a place, besides those of every answer."""
        asked = dict(request.fields)[_ASKED].decode("latin-1")
        route = place.routes.get(asked)
        forwarded = route.forward.keys() - _NEVER_NAMED if route is not None else ()
        names = ", ".join(sorted({*_ALWAYS_ALLOWED, *(name.decode() for name in forwarded)}))
        told = (
            f"vary: access-control-request-method\r\naccess-control-allow-methods: {place.allowed}\r\n"
            f"access-control-allow-headers: {names}\r\naccess-control-max-age: {_MAX_AGE_SECONDS}\r\n"
        )
        return told.encode() + (_CREDENTIALS if route is not None and route.takes_cookies else b"")
