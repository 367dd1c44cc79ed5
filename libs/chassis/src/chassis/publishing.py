"""Publishing to JetStream: many messages at once, together or each for itself, with the word that they are stored."""

import asyncio
import time
import uuid
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import APIError, NoStreamResponseError

from chassis.broker import Broker

NO_RESPONDERS = "503"
ACK_SECONDS = 5.0
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Message:
    """What is published."""

    subject: str
    payload: bytes
    headers: Mapping[str, str]


class Publisher:
    """Publishes on one connection, with one subscription for all acknowledgements.

    Of nats-py 2.16, `publish_async` loses refusals, and the message waits for ever; `publish` carries two thirds
    of the rate.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._session = broker.session
        self._client = broker.client
        self._inbox = self._client.new_inbox()
        self._replies: Subscription | None = None
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._count = 0

    @property
    def lost(self) -> bool:
        """Whether the connection has ended, and with it every acknowledgement that is waited for."""
        return not self._broker.connected or self._broker.session != self._session

    async def open(self) -> "Publisher":
        """Listen for acknowledgements; returns the publisher. Raises nats.errors.Error."""
        self._replies = await self._client.subscribe(f"{self._inbox}.*", cb=self._reply)
        return self

    async def close(self) -> None:
        """Stop listening."""
        if self._replies is not None:
            with suppress(nats.errors.Error):  # it ended with its connection
                await self._replies.unsubscribe()

    async def publish(self, message: Message) -> None:
        """Publish a message and wait, without a bound, for the word that it is stored.

        Raises NoStreamResponseError, nats.js.errors.APIError (its subclass says why), nats.errors.Error.
        """
        await self._publish_and_wait(message.subject, message.payload, dict(message.headers))

    async def publish_together(self, messages: Sequence[Message]) -> None:
        """Publish at most 1,000 messages, all or none and in their order, and wait as `publish` does: the server writes
        them to its disk at once (NATS ADR-50, atomic batch publishing).

        Raises as `publish` does; one that is refused, or stored already (Nats-Msg-Id), refuses all with APIError.
        """
        batch = uuid.uuid4().hex
        *first, last = enumerate(messages, 1)
        for number, message in first:
            headers = {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            await self._client.publish(message.subject, message.payload, headers=headers)
        number, message = last
        headers = {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
        await self._publish_and_wait(message.subject, message.payload, headers | {"Nats-Batch-Commit": "1"})

    async def finish(self, publications: Iterable[Coroutine[Any, Any, None]]) -> BaseException | None:
        """Run what publishes to its end, but not longer than the connection lasts, or 5 s; return what went wrong."""
        running = [asyncio.ensure_future(each) for each in publications]
        give_up_at = time.monotonic() + ACK_SECONDS
        while True:
            done, late = await asyncio.wait(running, timeout=LOOK_SECONDS)
            if not late or self.lost or time.monotonic() > give_up_at:
                break
        for each in late:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        failures = [error for each in done if (error := each.exception())]
        return failures[0] if failures else TimeoutError("no acknowledgement") if late else None

    async def _publish_and_wait(self, subject: str, payload: bytes, headers: dict[str, str]) -> None:
        self._count += 1
        number = str(self._count)
        stored = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._client.publish(subject, payload, reply=f"{self._inbox}.{number}", headers=headers)
            await stored
        finally:
            del self._waiting[number]

    async def _reply(self, message: Msg) -> None:
        stored = self._waiting.get(message.subject.rpartition(".")[2])
        if stored is None or stored.done():
            return
        refusal = _refusal(message)
        if refusal is None:
            stored.set_result(None)
        else:
            stored.set_exception(refusal)


def _refusal(message: Msg) -> nats.errors.Error | None:
    if message.headers and message.headers.get("Status") == NO_RESPONDERS:
        return NoStreamResponseError()
    told = orjson.loads(message.data)
    if "error" not in told:
        return None
    try:
        APIError.from_error(told["error"])  # it raises the class that fits
    except APIError as error:
        return error
    return APIError(**told["error"])
