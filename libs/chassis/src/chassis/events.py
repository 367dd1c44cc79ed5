"""Events: what happened to an aggregate, and its form on the wire (CloudEvents 1.0, structured JSON)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

CONTENT_TYPE = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an aggregate: `type` in past tense ("user.registered"), `version` the
    aggregate's after it (1, 2, ...), `data` plain JSON values, UUIDs and aware datetimes."""

    type: str
    aggregate_id: uuid.UUID
    version: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Received:
    """An event as it comes from the wire. `source` is the producer's, e.g. "/souk/users"; `time` is aware."""

    id: uuid.UUID
    type: str
    source: str
    aggregate_id: uuid.UUID
    version: int
    data: Mapping[str, Any]
    request_id: str
    traceparent: str
    time: datetime


class MalformedEvent(Exception):
    """A message that is no CloudEvent of Souk's form."""


def stream_of(service: str) -> str:
    """Return the name of the JetStream stream that holds a service's events."""
    return service.upper()


def subject_of(service: str, event_type: str) -> str:
    """Return the NATS subject of a service's events of a type; `>` for all of them."""
    return f"souk.{service}.{event_type}"


def to_wire(event: Received) -> bytes:
    """Return an event as a CloudEvent in structured JSON; extensions: aggregateversion, requestid,
    traceparent."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.aggregate_id,
            "time": event.time,
            "datacontenttype": "application/json",
            "aggregateversion": event.version,
            "requestid": event.request_id,
            "traceparent": event.traceparent,
            "data": event.data,
        },
        option=orjson.OPT_UTC_Z,
    )


def from_wire(payload: bytes) -> Received:
    """Read a CloudEvent in structured JSON. Raises MalformedEvent."""
    try:
        told = orjson.loads(payload)
        if told["specversion"] != "1.0" or not isinstance(told["data"], dict):
            raise MalformedEvent("not a CloudEvent 1.0 with JSON data")
        return Received(
            id=uuid.UUID(told["id"]),
            type=str(told["type"]),
            source=str(told["source"]),
            aggregate_id=uuid.UUID(told["subject"]),
            version=int(told["aggregateversion"]),
            data=told["data"],
            request_id=str(told["requestid"]),
            traceparent=str(told["traceparent"]),
            time=datetime.fromisoformat(told["time"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedEvent(f"{type(error).__name__}: {error}") from error
