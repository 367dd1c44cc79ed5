"""Handling: what becomes of one event: its effect and its row in the inbox, retries, the dead letters."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from nats.aio.msg import Msg
from prometheus_client import Counter, Gauge, Histogram

from chassis import context
from chassis.broker import BROKER_ERRORS, Broker
from chassis.errors import DeadlineExceeded, Unavailable
from chassis.event_spans import note_handled
from chassis.events import MalformedEvent, Received, from_wire
from chassis.postgres import Database
from chassis.spans import in_use, kept_in
from chassis.stopping import Stop

Handler = Callable[[Any, Received], None]

AT_ONCE = 4
# Pauses between the tries of a handler that fails; after the last try the event goes to the dead letters.
RETRY_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0)
OUTAGE_PAUSE_SECONDS = 0.5
DEAD_STREAM, DEAD_DAYS = "DEAD", 30
# Trouble of the database's own, which says nothing against an event.
OUTAGES = (Unavailable, DeadlineExceeded, psycopg.OperationalError)

_events = Counter("consumed_events", "Events taken from a stream", ("stream", "outcome"))
_lag = Gauge(
    "consumer_lag_seconds", "Age of the last event when it was handled", ("stream",), multiprocess_mode="max"
)
_age = Histogram(
    "consumed_event_age_seconds",
    "Time from the commit that caused an event to the commit of its effect",
    ("stream", "type"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
log = logging.getLogger(__name__)


class Handling:
    """The events in hand, in a queue for each aggregate; several aggregates are worked on at once.

    A handler runs in a thread, in one transaction with the event's row in the inbox, under the request id and
    the trace of the request that caused the event. One that fails is tried 5 times, while only its aggregate
    waits; then the message goes to the stream DEAD, subject dead.<service>.<type>, and the next one is worked
    on. A database that is down is waited for.
    """

    def __init__(
        self,
        service: str,
        producer: str,
        *,
        handlers: Mapping[str, Handler],
        database: Database[Any],
        broker: Broker,
        retry_pauses_seconds: Sequence[float],
    ) -> None:
        self._service = service
        self._producer = producer
        self._handlers = handlers
        self._database = database
        self._broker = broker
        self._retry_pauses_seconds = retry_pauses_seconds
        self._queues: dict[object, deque[Msg]] = {}
        self._positions: set[int] = set()
        self._works: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._closing = Stop()
        self._failure: BaseException | None = None

    @property
    def in_hand(self) -> int:
        return len(self._positions)

    def take(self, message: Msg) -> None:
        """Put a message behind the others of its aggregate, unless it is in hand already."""
        position = message.metadata.sequence.stream
        if position in self._positions:
            return
        self._positions.add(position)
        aggregate = _aggregate_of(message)
        queue = self._queues.setdefault(aggregate, deque())
        queue.append(message)
        if len(queue) == 1:
            work = asyncio.create_task(self._work_off(aggregate, queue))
            self._works.add(work)
            work.add_done_callback(self._ended)

    def check(self) -> None:
        """Raise what an aggregate's work died of, as it must not stand still unnoticed."""
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Finish what runs and leave the rest unacknowledged."""
        self._closing.ask()
        if self._works:
            await asyncio.wait(self._works)

    def _ended(self, work: asyncio.Task[None]) -> None:
        self._works.discard(work)
        if not work.cancelled():
            self._failure = self._failure or work.exception()

    async def _work_off(self, aggregate: object, queue: deque[Msg]) -> None:
        while queue and not self._closing.asked:
            message = queue[0]
            if await self._settle(message):
                self._positions.discard(message.metadata.sequence.stream)
                queue.popleft()
        if not queue:
            del self._queues[aggregate]

    async def _settle(self, message: Msg) -> bool:
        """Handle a message until it is done or dead, and acknowledge it; False if it is left for later."""
        try:
            event = from_wire(message.data)
        except MalformedEvent as error:
            return await self._bury(message, error)
        pauses = iter(self._retry_pauses_seconds)
        while (failure := await self._outlast_outages(event)) is not None:
            if self._closing.asked:
                return False
            pause = next(pauses, None)
            if pause is None:
                return await self._bury(message, failure)
            await self._closing.pause(pause)
        return await self._acknowledge(message)

    async def _outlast_outages(self, event: Received) -> Exception | None:
        """Try a handler, again and again while the database is out; return what it failed with, if it did."""
        while True:
            async with self._room:
                failure = await asyncio.to_thread(self._apply, event)
                if not isinstance(failure, OUTAGES) or self._closing.asked:
                    return failure
                # With its place kept: others would fail as well, and fill the log.
                await self._closing.pause(OUTAGE_PAUSE_SECONDS)

    def _apply(self, event: Received) -> Exception | None:
        traceparent = context.child_traceparent(event.traceparent)
        request = context.RequestContext(event.request_id, traceparent, spans=kept_in(in_use(), traceparent))
        began_ns = time.time_ns()
        with context.use(request):
            failure = self._tried(event)
        note_handled(request, self._service, self._producer, event, began_ns, failure)
        return failure

    def _tried(self, event: Received) -> Exception | None:
        told = {"event_id": str(event.id), "event_type": event.type, "aggregate_id": str(event.aggregate_id)}
        try:
            outcome = self._effect(event)
        except OUTAGES as error:
            log.warning("event waits for the database", extra={**told, "cause": str(error)})
            return error
        except Exception as error:  # the outermost boundary of a handler: it is tried again, then buried
            _events.labels(self._producer, "failed").inc()
            log.exception("event not handled", extra=told)
            return error
        _events.labels(self._producer, outcome).inc()
        age_seconds = (datetime.now(UTC) - event.time).total_seconds()
        _lag.labels(self._producer).set(age_seconds)
        if outcome == "handled":
            _age.labels(self._producer, event.type).observe(age_seconds)
        log.info("event %s", outcome, extra=told)
        return None

    def _effect(self, event: Received) -> str:
        handler = self._handlers.get(event.type)
        if handler is None:
            return "ignored"
        with self._database.transaction() as tx:
            if not tx.receive(event.id):
                return "seen"
            handler(tx, event)
        return "handled"

    async def _acknowledge(self, message: Msg) -> bool:
        try:
            await message.ack()
        except BROKER_ERRORS as error:
            # It comes again after the broker does, and the inbox drops it.
            log.debug("event not acknowledged: %s", error)
        return True

    async def _bury(self, message: Msg, cause: Exception) -> bool:
        """Copy a message to the dead letters and acknowledge it; the broker is waited for."""
        event_type = message.subject.removeprefix(f"souk.{self._producer}.")
        headers = {
            "Nats-Msg-Id": f"{self._service}.{self._producer}.{message.metadata.sequence.stream}",
            "Souk-Subject": message.subject,
            "Souk-Cause": _header_text(f"{type(cause).__name__}: {cause}"),
        }
        while not self._closing.asked:
            try:
                await self._broker.jetstream().publish(
                    dead_subject(self._service, event_type), message.data, headers=headers
                )
            except BROKER_ERRORS as error:
                log.warning("dead letter waits for the broker: %s", error)
                await self._closing.pause(OUTAGE_PAUSE_SECONDS)
                continue
            _events.labels(self._producer, "dead").inc()
            log.error("event given up", extra={"subject": message.subject, "cause": headers["Souk-Cause"]})
            return await self._acknowledge(message)
        return False


def dead_subject(service: str, event_type: str) -> str:
    """Return the subject of the events of a type that a service gave up; `>` for all of them."""
    return f"dead.{service}.{event_type}"


def _aggregate_of(message: Msg) -> object:
    try:
        return from_wire(message.data).aggregate_id
    except MalformedEvent:
        return message.metadata.sequence.stream


def _header_text(text: str) -> str:
    return " ".join(text.split())[:500].encode("ascii", "replace").decode()
