"""A request as it goes to whichever instance of a service is chosen."""

from collections.abc import Callable, Iterable

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


class Message:
    """`start` is the request line, `rest` all behind the Host field, which each instance puts in between; `until` is
    the deadline (monotonic seconds). `repeatable`: it does no harm if two instances get it; `canary`: of such requests
    this share goes to a canary. Requests of one `kind` take about as long, None: this one tells nothing about that."""

    __slots__ = ("canary", "kind", "method", "repeatable", "rest", "start", "until")

    def __init__(
        self,
        method: str,
        start: bytes,
        rest: bytes,
        until: float,
        *,
        repeatable: bool = False,
        canary: float = 0.0,
        kind: object = None,
    ) -> None:
        self.method = method
        self.start = start
        self.rest = rest
        self.until = until
        self.repeatable = repeatable or method in SAFE
        self.canary = canary
        self.kind = kind

    def to(self, host: bytes) -> bytes:
        """Return the bytes for the instance whose Host field this is."""
        return b"%b%b%b" % (self.start, host, self.rest)


class Pieces:
    """A request whose body is still arriving: `body` makes it of the head, to be sent once; `on_answer` is called when
    the answer comes before the last piece."""

    __slots__ = ("body", "on_answer")

    def __init__(self, body: Callable[[bytes], Iterable[bytes]], on_answer: Callable[[], None]) -> None:
        self.body = body
        self.on_answer = on_answer
