"""What is known about the request in hand: its id, trace, deadline and caller; pure, one ContextVar."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chassis.errors import DeadlineExceeded, ServiceError
from chassis.ids import new_id

if TYPE_CHECKING:
    from chassis.spans import Spans

_request_id = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_traceparent = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_NO_TRACE, _NO_PARENT = "0" * 32, "0" * 16
_ODD_DIGITS = frozenset("13579bdf")
NO_ROUTE = "none"


def new_request_id() -> str:
    """Return a new request id: the text of a UUIDv7."""
    return str(new_id())


def well_formed_request_id(text: str) -> bool:
    """Tell whether a caller's request id may be taken over into headers and logs: [A-Za-z0-9._-]{8,64}."""
    return _request_id.fullmatch(text) is not None


def new_traceparent() -> str:
    """Return a W3C traceparent of a new, unsampled trace."""
    return f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-00"


def child_traceparent(parent: str, flags: str = "") -> str:
    """Return a traceparent of the same trace with a span id of its own (W3C Trace Context, level 1), and with its
    flags, unless others are given; a new trace when the parent is not well formed."""
    match = _traceparent.fullmatch(parent)
    if match is None or match[1] == _NO_TRACE or match[2] == _NO_PARENT:
        return new_traceparent()
    return f"00-{match[1]}-{random.getrandbits(64):016x}-{flags or match[3]}"


def is_sampled(traceparent: str) -> bool:
    """Tell whether the spans of a trace are to be kept: the lowest bit of its flags."""
    return traceparent[-1:] in _ODD_DIGITS


@dataclass(slots=True)
class RequestContext:
    """One request, event or background run. `deadline` is on the monotonic clock, in seconds; infinity is
    none. `spans` is where its spans are kept; None: its trace is not sampled."""

    request_id: str = field(default_factory=new_request_id)
    traceparent: str = field(default_factory=new_traceparent)
    deadline: float = float("inf")
    user_id: str | None = None
    route: str = NO_ROUTE
    problem: ServiceError | None = None
    spans: "Spans | None" = None

    @property
    def trace_id(self) -> str:
        """The trace's 32 hexadecimal digits."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """The 16 hexadecimal digits of the span that this is in its trace."""
        return self.traceparent[36:52]

    def remaining_seconds(self) -> float:
        """Return the seconds left until the deadline. Raises DeadlineExceeded when none are."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded()
        return left


_current: ContextVar[RequestContext | None] = ContextVar("chassis_request", default=None)


def current() -> RequestContext:
    """Return the context in hand; outside any request a detached one with ids of its own and no deadline."""
    return _current.get() or RequestContext()


def active() -> RequestContext | None:
    """Return the context in hand, or None outside any request: for logs, which invent no ids."""
    return _current.get()


def enter(context: RequestContext) -> Token[RequestContext | None]:
    """Make a context the current one until `leave` is given the returned token."""
    return _current.set(context)


def leave(token: Token[RequestContext | None]) -> None:
    """Put back the context that was current before `enter`."""
    _current.reset(token)


@contextmanager
def use(context: RequestContext) -> Iterator[RequestContext]:
    """Make a context the current one for a block."""
    token = enter(context)
    try:
        yield context
    finally:
        leave(token)
