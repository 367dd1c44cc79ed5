"""Messaging: takes another service's events from JetStream, each with its effect in one transaction."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError
from prometheus_client import Gauge

from chassis.broker import Broker, ensure_stream
from chassis.events import stream_of, subject_of
from chassis.feed import Feed
from chassis.handling import (
    DEAD_DAYS,
    DEAD_STREAM,
    RETRY_PAUSES_SECONDS,
    Handler,
    Handling,
    dead_subject,
)
from chassis.leader import leading
from chassis.postgres import Database
from chassis.stopping import Stop

IN_HAND = 256
FULL_PAUSE_SECONDS = 0.01
# Longer than an event may wait in hand for its aggregate's turn; what gets lost is noticed otherwise, by the
# feed.
ACK_WAIT_SECONDS = 600
MEASURE_SECONDS = 5.0

_pending = Gauge(
    "consumer_pending_events", "Events of a stream still to come", ("stream",), multiprocess_mode="max"
)
_dead = Gauge(
    "dead_letters", "Events that this service gave up and that lie in DEAD", multiprocess_mode="max"
)
log = logging.getLogger(__name__)


class Consumer:
    """The task that handles the events of one producer: one replica does, the others stand by.

    Events of one aggregate are handled one after another, in their order, several aggregates at once; see
    chassis.handling for what becomes of one. The durable consumer in JetStream has the service's name.
    """

    def __init__(
        self,
        service: str,
        *,
        stream: str,
        handlers: Mapping[str, Handler],
        database: Database[Any],
        retry_pauses_seconds: Sequence[float] = RETRY_PAUSES_SECONDS,
    ) -> None:
        """Take the own `service`'s name, the producer's (`stream`), a handler for each type of event, and the
        pauses between the tries of a handler that fails."""
        self.name = f"events of {stream}"
        self._service = service
        self._producer = stream
        self._stream = stream_of(stream)
        self._handlers = dict(handlers)
        self._database = database
        self._retry_pauses_seconds = retry_pauses_seconds
        self._pending = _pending.labels(stream)
        self._measure_at = 0.0

    async def run(self, broker: Broker, stop: Stop) -> None:
        """Handle events until a stop is asked for. Raises psycopg.OperationalError, BrokerUnavailable and
        nats.errors.Error; what was not finished then comes again."""
        async with leading(self._database, self.name, stop) as conn:
            await self._wait_for_stream(broker, stop)
            await ensure_stream(broker.jetstream(), DEAD_STREAM, "dead.>", DEAD_DAYS, broker.replicas)
            feed = Feed(broker, self._stream, self._config())
            handling = Handling(
                self._service,
                self._producer,
                handlers=self._handlers,
                database=self._database,
                broker=broker,
                retry_pauses_seconds=self._retry_pauses_seconds,
            )
            try:
                while not stop.asked:
                    await conn.execute("SELECT 1")  # still leading
                    await self._count_dead_letters(broker)
                    await self._take(feed, handling, stop)
            finally:
                await feed.close()
                await handling.close()
                self._pending.set(0)  # as far as this replica knows: another one leads now, and looks

    async def _take(self, feed: Feed, handling: Handling, stop: Stop) -> None:
        handling.check()
        self._pending.set(feed.pending + handling.in_hand)
        room = IN_HAND - handling.in_hand
        if not room:
            await stop.pause(FULL_PAUSE_SECONDS)
            return
        if not handling.in_hand:
            await feed.look_for_strays()
        async for message in feed.pull(room, stop):
            handling.take(message)

    async def _count_dead_letters(self, broker: Broker) -> None:
        if time.monotonic() < self._measure_at:
            return
        self._measure_at = time.monotonic() + MEASURE_SECONDS
        info = await broker.jetstream().stream_info(
            DEAD_STREAM, subjects_filter=dead_subject(self._service, ">")
        )
        _dead.set(sum((info.state.subjects or {}).values()))

    async def _wait_for_stream(self, broker: Broker, stop: Stop) -> None:
        while not stop.asked:
            try:
                await broker.jetstream().stream_info(self._stream)
                return
            except NotFoundError:
                log.info("waiting for the stream of %s", self._producer)
                await stop.pause(1)

    def _config(self) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=self._service,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_SECONDS,
            max_ack_pending=IN_HAND,
            filter_subjects=[subject_of(self._producer, each) for each in self._handlers],
        )
