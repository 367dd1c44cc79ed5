"""The outbox's relay: publishes what was committed, in each aggregate's order, and marks it."""

import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.errors import APIError, BadRequestError, NoStreamResponseError
from psycopg.rows import DictRow

from chassis import event_spans, outbox_measures
from chassis.broker import BROKER_ERRORS, Broker, ensure_stream, has_stream
from chassis.context import is_sampled
from chassis.events import CONTENT_TYPE, Received, stream_of, subject_of, to_wire
from chassis.leader import BoundedConnection, leading
from chassis.outbox_admin import republish
from chassis.postgres import OUTBOX_CHANNEL, Database
from chassis.publishing import Message, Publisher
from chassis.spans import in_use
from chassis.stopping import Stop

BATCH = 500
POLL_SECONDS = 1.0
MEASURE_SECONDS = 5.0
STREAM_DAYS = 7
# A row that the broker itself refuses (too large, say) waits 1, 2, 4 ... s, and after these tries is parked.
TRIES = 10

# Not `position > the last one`: a long transaction commits a lower position later. An aggregate with a refused event
# waits with it, for the order. NOT IN, looked up once: with statistics of an outbox where nothing waits, which is the
# rule, PostgreSQL plans NOT EXISTS as a walk through all that waits for each row.
CLAIM = """
    SELECT position,
           id,
           type,
           aggregate_id,
           version,
           data,
           request_id,
           traceparent,
           created_at
    FROM outbox
    WHERE published_at IS NULL
      AND parked_at IS NULL
      AND aggregate_id NOT IN (
          SELECT aggregate_id
          FROM outbox
          WHERE published_at IS NULL
            AND parked_at IS NULL
            AND retry_at > now()
      )
    ORDER BY position
    LIMIT %s
"""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Outcome:
    """What became of a batch: positions that are acknowledged, those refused, and why the rest is not."""

    published: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    trouble: BaseException | None = None


class Relay:
    """The task that publishes a service's outbox: one replica does, the others stand by.

    An event is published at least once, and its aggregate's events in their order; aggregates do not wait for
    each other's refused events. When the stream is gone, all that is kept is published once more. JetStream drops
    what it has seen in the last two minutes by the event's id (Nats-Msg-Id), consumers the rest by their inbox.
    """

    name = "outbox"

    def __init__(self, service: str, database: Database[Any]) -> None:
        self._service = service
        self._database = database
        self._measure_at = 0.0
        self._publisher: Publisher | None = None

    async def run(self, broker: Broker, stop: Stop) -> None:
        """Publish until a stop is asked for. Raises psycopg.OperationalError when the database is lost."""
        async with leading(self._database, "outbox", stop) as conn:
            await conn.execute(f"LISTEN {OUTBOX_CHANNEL}")
            try:
                await self._lead(conn, broker, stop)
            finally:
                outbox_measures.forget()

    async def _lead(self, conn: BoundedConnection, broker: Broker, stop: Stop) -> None:
        pause = 0.1
        while not stop.asked:
            await self._measure(conn)
            try:
                more = await self._round(conn, await self._publisher_on(broker))
            except BROKER_ERRORS as error:
                log.warning("events wait for the broker: %s: %s", type(error).__name__, error)
                await stop.pause(pause)
                pause = min(pause * 2, POLL_SECONDS)
                continue
            pause = 0.1
            if not more:
                await stop.unless(_hint(conn))

    async def _round(self, conn: BoundedConnection, publisher: Publisher) -> bool:
        """Publish one batch; tell whether there may be more at once. Raises what the broker failed with."""
        rows = await _claim(conn)
        if not rows:
            return False
        began_ns = time.time_ns()
        outcome = await self._publish(publisher, rows)
        if (spans := in_use()) is not None:
            event_spans.note_published(spans, self._service, rows, outcome.published, began_ns)
        await _mark(conn, outcome)
        outbox_measures.told(rows, outcome.published, outcome.refused)
        if outcome.trouble is None:
            return len(rows) == BATCH
        if isinstance(outcome.trouble, NoStreamResponseError):
            await publisher.close()
            self._publisher = None
        raise outcome.trouble

    async def _publisher_on(self, broker: Broker) -> Publisher:
        if self._publisher is None or self._publisher.lost:
            await self._ensure_stream(broker.jetstream(), broker.replicas)
            if self._publisher is not None:
                await self._publisher.close()
            self._publisher = await Publisher(broker).open()
        return self._publisher

    async def _ensure_stream(self, js: JetStreamContext, replicas: int) -> None:
        stream = stream_of(self._service)
        if not await has_stream(js, stream):
            # Before the stream is made: whoever dies in between finds it missing and does so again.
            await self._publish_what_is_kept()
        await ensure_stream(js, stream, subject_of(self._service, ">"), STREAM_DAYS, replicas)

    async def _publish_what_is_kept(self) -> None:
        # A new broker, or one that lost its disk, and with it what consumers had not taken.
        if count := await asyncio.to_thread(republish, self._database):
            log.warning("the stream is gone: what is kept is published again", extra={"events": count})

    async def _publish(self, publisher: Publisher, rows: list[DictRow]) -> _Outcome:
        """Publish together, or else one by one: what the broker refuses, or has already, spoils a batch."""
        outcome = _Outcome()
        if len(rows) > 1:
            outcome.trouble = await publisher.finish([self._together(publisher, rows, outcome)])
            if outcome.published or outcome.trouble is not None:
                return outcome
        aggregates: dict[Any, list[DictRow]] = defaultdict(list)
        for row in rows:
            aggregates[row["aggregate_id"]].append(row)
        chains = [self._in_order(publisher, each, outcome) for each in aggregates.values()]
        outcome.trouble = await publisher.finish(chains)
        return outcome

    async def _together(self, publisher: Publisher, rows: list[DictRow], outcome: _Outcome) -> None:
        try:
            await publisher.publish_together([self._message(row) for row in rows])
        except (MaxPayloadError, APIError) as error:
            log.info("events are published one by one", extra={"events": len(rows), "cause": str(error)})
            return
        outcome.published = [row["position"] for row in rows]

    async def _in_order(self, publisher: Publisher, rows: list[DictRow], outcome: _Outcome) -> None:
        for row in rows:
            try:
                await publisher.publish(self._message(row))
            except (MaxPayloadError, BadRequestError) as error:
                log.error("event refused by the broker", extra={"event_id": row["id"], "cause": str(error)})
                outcome.refused.append(row["position"])
                return
            outcome.published.append(row["position"])

    def _message(self, row: DictRow) -> Message:
        return Message(
            subject_of(self._service, row["type"]),
            to_wire(self._event(row)),
            {"Nats-Msg-Id": str(row["id"]), "Content-Type": CONTENT_TYPE},
        )

    def _event(self, row: DictRow) -> Received:
        traceparent: str = row["traceparent"]
        if in_use() is not None and is_sampled(traceparent):
            traceparent = event_spans.published_within(traceparent, row["id"])
        return Received(
            id=row["id"],
            type=row["type"],
            source=f"/souk/{self._service}",
            aggregate_id=row["aggregate_id"],
            version=row["version"],
            data=row["data"],
            request_id=row["request_id"],
            traceparent=traceparent,
            time=row["created_at"],
        )

    async def _measure(self, conn: BoundedConnection) -> None:
        if time.monotonic() < self._measure_at:
            return
        self._measure_at = time.monotonic() + MEASURE_SECONDS
        await outbox_measures.measure(conn)


async def _claim(conn: BoundedConnection) -> list[DictRow]:
    cursor = await conn.execute(CLAIM, (BATCH,))
    return await cursor.fetchall()


async def _mark(conn: BoundedConnection, outcome: _Outcome) -> None:
    if outcome.published:
        await conn.execute(
            "UPDATE outbox SET published_at = now() WHERE position = ANY(%s)",
            (outcome.published,),
        )
    if outcome.refused:
        await conn.execute(
            """
            UPDATE outbox
            SET tries = tries + 1,
                retry_at = now() + interval '1 second' * 2 ^ tries,
                parked_at = CASE WHEN tries + 1 >= %s THEN now() END
            WHERE position = ANY(%s)
            """,
            (TRIES, outcome.refused),
        )


async def _hint(conn: BoundedConnection) -> None:
    """Wait for a NOTIFY, which may come or not, and no longer than the poll."""
    async for _ in conn.notifies(timeout=POLL_SECONDS, stop_after=1):
        pass
