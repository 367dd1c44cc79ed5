"""Spans of events: a publication, within the request that caused it, and its handling, within the publication."""

import time
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from chassis.context import RequestContext, is_sampled
from chassis.events import Received, subject_of
from chassis.spans import CONSUMER, PRODUCER, Span, Spans

_LOW_64_BITS = (1 << 64) - 1


def published_within(traceparent: str, event_id: UUID) -> str:
    """Return the traceparent that an event of a sampled trace is published with. The publication's span has the lower
    half of the event's id: however often it is tried, it is one."""
    return f"{traceparent[:36]}{_span_of(event_id)}{traceparent[52:]}"


def note_published(
    spans: Spans,
    service: str,
    rows: Iterable[dict[str, Any]],
    positions: Collection[int],
    started_ns: int,
) -> None:
    """Record the publication of those rows of the outbox that were published, began at `started_ns` and ends now."""
    published, ended_ns = set(positions), time.time_ns()
    for row in rows:
        traceparent = row["traceparent"]
        if row["position"] in published and is_sampled(traceparent):
            subject = subject_of(service, row["type"])
            told = _told("publish", "send", subject, row["id"])
            span_id, parent_id = _span_of(row["id"]), traceparent[36:52]
            spans.record(
                Span(
                    f"publish {subject}",
                    PRODUCER,
                    traceparent[3:35],
                    span_id,
                    parent_id,
                    started_ns,
                    ended_ns,
                    told,
                )
            )


def note_handled(
    here: RequestContext, service: str, producer: str, event: Received, started_ns: int, failure: object
) -> None:
    """Record one try to handle an event, which began at `started_ns` and ends now."""
    if here.spans is None:
        return
    subject, ended_ns = subject_of(producer, event.type), time.time_ns()
    told = _told("process", "process", subject, event.id)
    told["messaging.consumer.group.name"] = service
    if failure is not None:
        told["error.type"] = type(failure).__name__
    here.spans.record(
        Span(
            f"process {subject}",
            CONSUMER,
            here.trace_id,
            here.span_id,
            event.traceparent[36:52],
            started_ns,
            ended_ns,
            told,
            failure is not None,
        )
    )


def _told(name: str, kind: str, subject: str, event_id: UUID) -> dict[str, str]:
    return {
        "messaging.system": "nats",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": subject,
        "messaging.message.id": str(event_id),
    }


def _span_of(event_id: UUID) -> str:
    return f"{event_id.int & _LOW_64_BITS:016x}"
