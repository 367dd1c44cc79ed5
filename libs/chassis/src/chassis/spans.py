"""Spans: what took how long in a sampled trace, kept until it is exported; knows no OpenTelemetry, no Flask, no SQL.

The context of a request has `spans` only where its trace is sampled and an endpoint is set. Whoever could tell of one
looks there first, and does nothing where there are none.
"""

import atexit
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Protocol

from prometheus_client import Counter

from chassis.context import RequestContext, is_sampled
from chassis.secret import Secret

# The names that OpenTelemetry gives to kinds of spans.
SERVER, CLIENT, PRODUCER, CONSUMER = "SERVER", "CLIENT", "PRODUCER", "CONSUMER"
EVERY_SECONDS = 1.0
MOST_WAITING = 4096
AT_ONCE = 128  # few, for what else runs in this process waits while they are encoded: 1 to 2 ms
TRIES = 10
CLOSE_SECONDS = 2.0

Attributes = Mapping[str, str | int | float | bool]

_told = Counter(
    "trace_spans", "Spans: exported, dropped for too many waited, failed to be exported", ("outcome",)
)
_log = logging.getLogger(__name__)


class Span(NamedTuple):
    """One span; ids are hexadecimal, times in nanoseconds since 1970. `parent_id` is empty in the first of a
    trace."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    started_ns: int
    ended_ns: int
    attributes: Attributes
    failed: bool = False


Export = Callable[[Sequence[Span]], bool]


class TryLater(Exception):
    """The spans could not be sent now, and may be another time."""


class TraceSettings(Protocol):
    """The settings that say where spans are sent; chassis.settings.ProcessSettings has them."""

    otlp_endpoint: str
    otlp_headers: Secret
    otlp_certificate: str
    release: str


class Spans:
    """The spans of a process that wait to be exported, which happens in a thread of its own, from the first span on: a
    greenlet where threads are such. More than `most` are dropped, so that an endpoint that is slow or dead costs
    nobody anything but its spans."""

    def __init__(
        self, export: Export, *, most: int = MOST_WAITING, every_seconds: float = EVERY_SECONDS
    ) -> None:
        """Take what sends spans and tells whether they were taken; where it raises TryLater it is asked 10 times."""
        self._export = export
        self._most = most
        self._every_seconds = every_seconds
        self._waiting: deque[Span] = deque()
        self._tries = 0
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def record(self, span: Span) -> None:
        """Keep a span to be exported."""
        if len(self._waiting) >= self._most:
            _told.labels("dropped").inc()
            return
        self._waiting.append(span)
        if self._thread is None:
            self._start()

    def note(
        self,
        here: RequestContext,
        name: str,
        kind: str,
        started_ns: int,
        attributes: Attributes,
        *,
        span_id: str = "",
        failed: bool = False,
    ) -> None:
        """Record what began at `started_ns` and ends now, within the span that a context stands for."""
        self.record(
            Span(
                name,
                kind,
                here.trace_id,
                span_id or new_span_id(),
                here.span_id,
                started_ns,
                time.time_ns(),
                attributes,
                failed,
            )
        )

    def close(self) -> None:
        """Export what waits, for 2 s at most, and then no more."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _run(self) -> None:
        while not self._closed.wait(self._every_seconds):
            self._export_all()
        self._export_all()

    def _export_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            try:
                exported = self._exported(batch)
            except TryLater:
                self._tries += 1
                if self._tries < TRIES and not self._closed.is_set():
                    self._waiting.extendleft(reversed(batch))
                    return
                exported = False
            self._tries = 0
            _told.labels("exported" if exported else "failed").inc(len(batch))

    def _exported(self, batch: Sequence[Span]) -> bool:
        try:
            return self._export(batch)
        except TryLater:
            raise
        except Exception:  # noqa: BLE001  # the outermost boundary of this thread: the next batch is another
            _log.exception("spans not exported")
            return False


def new_span_id() -> str:
    """Return 16 hexadecimal digits at random."""
    return f"{random.getrandbits(64):016x}"


def open_spans(service: str, settings: TraceSettings) -> Spans | None:
    """Return what keeps the spans of a process, or None without an endpoint to send them to."""
    if not settings.otlp_endpoint:
        return None
    from chassis.otlp import OtlpExport  # not needed, and not in memory, where no traces are sent

    return Spans(OtlpExport(service, settings))


def kept_in(spans: Spans | None, traceparent: str) -> Spans | None:
    """Return where the spans of a trace are kept: nowhere, unless it is sampled."""
    return spans if spans is not None and is_sampled(traceparent) else None


_of_tasks: ContextVar[Spans | None] = ContextVar("chassis_spans", default=None)


def in_use() -> Spans | None:
    """Return what keeps the spans of this worker's tasks."""
    return _of_tasks.get()


def use(spans: Spans | None) -> None:
    """Have the tasks that are begun from here on keep their spans there."""
    _of_tasks.set(spans)


@contextmanager
def calling(
    here: RequestContext, name: str, attributes: Attributes, *, span_id: str = ""
) -> Iterator[dict[str, str | int | float | bool]]:
    """Record a block as a call of somebody else, within a context that has spans; yields its attributes, to be
    completed with the answer's."""
    assert here.spans is not None
    told, started_ns, failed = dict(attributes), time.time_ns(), True
    try:
        yield told
        status = told.get("http.response.status_code", 0)
        failed = isinstance(status, int) and status >= 400
    except BaseException as failure:
        told.setdefault("error.type", type(failure.__cause__ or failure).__name__)
        raise
    finally:
        here.spans.note(here, name, CLIENT, started_ns, told, span_id=span_id, failed=failed)
