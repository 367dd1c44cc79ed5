"""The feed: the messages of a durable JetStream consumer, in order and without a gap, as they come."""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import ConsumerConfig

from chassis.broker import Broker
from chassis.stopping import Stop

PULL_SECONDS = 1.0
STRAYS_SECONDS = 3.0
REQUEST_TIMEOUT = "408"
log = logging.getLogger(__name__)


class Feed:
    """What JetStream delivers, from the first message that is not acknowledged.

    A message may get lost between the server, which then waits for its acknowledgement, and this process: in
    a cut connection, or to a former leader. Waiting for the server to send it again would take long and lose
    the order, so the consumer is set back (ADR-60, nats-server 2.14): when the feed is opened, on a new
    connection, when a delivery number is missing, and when nothing is in hand while the server thinks that
    something is.
    """

    def __init__(self, broker: Broker, stream: str, config: ConsumerConfig) -> None:
        self._broker = broker
        self._stream = stream
        self._config = config
        self._session = 0
        self._delivered = 0
        self._inbox = ""
        self._messages: Subscription | None = None
        self._look_at = 0.0
        self.pending = 0  # on the server, when the last message was delivered

    async def pull(self, wanted: int, stop: Stop) -> AsyncIterator[Msg]:
        """Ask once for `wanted` messages and yield those that come within a second.

        Raises BrokerUnavailable, nats.errors.Error.
        """
        if self._messages is None or self._session != self._broker.session:
            await self._open()
        await self._broker.client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._config.durable_name}",
            orjson.dumps({"batch": wanted, "expires": int(PULL_SECONDS * 1e9)}),
            reply=self._inbox,
        )
        for _ in range(wanted):
            message = await stop.unless(self._next())
            if message is None or self._is_end(message):
                return
            number = message.metadata.sequence.consumer
            if number != self._delivered + 1:
                await self.close()
                return
            self._delivered = number
            self.pending = message.metadata.num_pending
            yield message

    async def look_for_strays(self) -> None:
        """Set the consumer back if the server waits for acknowledgements; to be called when nothing is in
        hand."""
        if self._messages is None or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + STRAYS_SECONDS
        info = await self._broker.jetstream().consumer_info(self._stream, self._config.durable_name or "")
        if info.num_ack_pending:
            await self.close()

    async def close(self) -> None:
        """Stop listening: what still comes goes back to the server's account."""
        messages, self._messages = self._messages, None
        if messages is not None:
            with suppress(nats.errors.Error):  # it ended with its connection
                await messages.unsubscribe()

    async def _open(self) -> None:
        await self.close()
        self._session = self._broker.session
        js = self._broker.jetstream()
        info = await js.add_consumer(self._stream, self._config)
        if info.num_ack_pending:
            log.info("events that were not acknowledged come again", extra={"stream": self._stream})
            reset = await js.reset_consumer(self._stream, self._config.durable_name or "")
            info = reset.info
        self._delivered = info.delivered.consumer_seq if info.delivered is not None else 0
        self._look_at = time.monotonic() + STRAYS_SECONDS
        self._inbox = self._broker.client.new_inbox()
        self._messages = await self._broker.client.subscribe(self._inbox)

    async def _next(self) -> Msg | None:
        assert self._messages is not None
        try:
            return await self._messages.next_msg(timeout=PULL_SECONDS * 1.2)
        except nats.errors.TimeoutError:
            return None

    def _is_end(self, message: Msg) -> bool:
        status = (message.headers or {}).get("Status")
        if status is not None and status != REQUEST_TIMEOUT:
            raise nats.errors.Error(f"the pull request ended with status {status}")
        return status is not None
