"""A service that takes the events of boxes and notes each: its consumer, and its producer's messages."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boxes
import streams

from chassis.events import Received, to_wire
from chassis.messaging import Consumer
from chassis.testing.servers import NatsServer

Handle = Callable[[boxes.BoxTransaction, Received], None]


def note(tx: boxes.BoxTransaction, event: Received) -> None:
    tx.note(event.id, event.aggregate_id, event.version)


def consumer(database: boxes.Boxes, handle: Handle = note, **options: Any) -> Consumer:
    return Consumer("shelf", stream="boxes", handlers={"box.moved": handle}, database=database, **options)


def moved(box: uuid.UUID, step: int) -> bytes:
    return to_wire(
        Received(
            id=uuid.uuid4(),
            type="box.moved",
            source="/souk/boxes",
            aggregate_id=box,
            version=step,
            data={"step": step},
            request_id="request-1",
            traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
            time=datetime.now(UTC),
        )
    )


def tell(nats: NatsServer, *payloads: bytes, event_type: str = "box.moved") -> None:
    streams.publish(nats.url, "BOXES", f"souk.boxes.{event_type}", *payloads)


def noted(database: boxes.Boxes, box: uuid.UUID | None = None) -> list[int]:
    with database.read() as tx:
        return tx.notes(box)
