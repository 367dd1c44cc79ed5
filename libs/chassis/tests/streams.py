"""A look into JetStream from outside: what is in a stream, and messages published past the outbox."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import nats
import nats.js.errors
from nats.js import JetStreamContext

from chassis.broker import ensure_stream
from chassis.events import Received, from_wire


def messages(url: str, stream: str) -> list[Any]:
    """Return all messages of a stream, first to last; none if there is no such stream."""

    async def read(js: JetStreamContext) -> list[Any]:
        try:
            state = (await js.stream_info(stream)).state
        except nats.js.errors.NotFoundError:
            return []
        return [
            await js.get_msg(stream, number) for number in range(max(1, state.first_seq), state.last_seq + 1)
        ]

    return _connected(url, read)


def events(url: str, stream: str) -> list[Received]:
    """Return all events of a stream, first to last."""
    return [from_wire(message.data) for message in messages(url, stream)]


def publish(url: str, stream: str, subject: str, *payloads: bytes) -> None:
    """Publish messages to a stream, which is made if missing."""

    async def write(js: JetStreamContext) -> None:
        await ensure_stream(js, stream, f"souk.{stream.lower()}.>", days=1)
        for payload in payloads:
            await js.publish(subject, payload)

    _connected(url, write)


def make(url: str, stream: str, **limits: int) -> None:
    """Make a stream with limits that an operator may set."""
    subjects = [f"souk.{stream.lower()}.>"]
    _connected(url, lambda js: js.add_stream(name=stream, subjects=subjects, **limits))


def delete(url: str, stream: str) -> None:
    """Remove a stream with all it holds, as a broker does that lost its disk."""
    _connected(url, lambda js: js.delete_stream(stream))


def _connected(url: str, use: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        client = await nats.connect(url)
        try:
            return await use(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(main())
