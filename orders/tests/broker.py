"""The broker, as payments and the readers of orders' events see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import nats
from nats.js import JetStreamContext
from shop import NOW

from chassis.events import Received, from_wire, to_wire
from chassis.ids import new_id
from orders.domain import Payment


class Broker:
    def __init__(self, url: str) -> None:
        self.url = url

    async def _in_jetstream(self, work: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
        client = await nats.connect(self.url)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    def make_stream_of_payments(self) -> None:
        asyncio.run(
            self._in_jetstream(lambda js: js.add_stream(name="PAYMENTS", subjects=["souk.payments.>"]))
        )

    def tell(self, type: str, payment: Payment, version: int = 2, **event: Any) -> None:
        """Publish an event of payments, with a new id unless one is given."""
        data = {
            "payment_id": payment.id,
            "order_id": payment.order_id,
            "user_id": new_id(),
            "amount": payment.amount,
            "currency": payment.currency,
        }
        told = Received(
            id=event.pop("id", None) or new_id(),
            type=type,
            source="/souk/payments",
            aggregate_id=payment.id,
            version=version,
            data=data,
            request_id=event.pop("request_id", "request-of-a-payment"),
            traceparent=f"00-{'1' * 32}-{'2' * 16}-00",
            time=NOW,
        )
        asyncio.run(self._in_jetstream(lambda js: js.publish(f"souk.payments.{type}", to_wire(told))))

    def told_about(self, order_id: UUID) -> list[Received]:
        """All events of an order in the stream, in its order."""

        async def read(js):
            last = (await js.stream_info("ORDERS")).state.last_seq
            messages = [await js.get_msg("ORDERS", number) for number in range(1, last + 1)]
            return [from_wire(message.data) for message in messages]

        return [event for event in asyncio.run(self._in_jetstream(read)) if event.aggregate_id == order_id]
