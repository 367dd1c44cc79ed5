"""Events on the wire."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from chassis.events import MalformedEvent, Received, from_wire, to_wire

EVENT = Received(
    id=uuid.UUID(int=1),
    type="box.moved",
    source="/souk/boxes",
    aggregate_id=uuid.UUID(int=2),
    version=3,
    data={"step": 3},
    request_id="request-1",
    traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    time=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
)


def test_an_event_survives_the_wire():
    assert from_wire(to_wire(EVENT)) == EVENT


def test_the_wire_is_a_cloudevent_in_structured_json():
    assert json.loads(to_wire(EVENT)) == {
        "specversion": "1.0",
        "id": "00000000-0000-0000-0000-000000000001",
        "source": "/souk/boxes",
        "type": "box.moved",
        "subject": "00000000-0000-0000-0000-000000000002",
        "time": "2026-01-02T03:04:05.678901Z",
        "datacontenttype": "application/json",
        "aggregateversion": 3,
        "requestid": "request-1",
        "traceparent": EVENT.traceparent,
        "data": {"step": 3},
    }


def test_what_a_later_release_adds_is_ignored():
    told = json.loads(to_wire(EVENT)) | {"newer": "extension"}
    assert from_wire(json.dumps(told).encode()) == EVENT


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"id": "no uuid"},
        {"id": 1},
        {"subject": None},
        {"aggregateversion": "three"},
        {"data": [1]},
        {"time": "yesterday"},
    ],
)
def test_a_malformed_event(change):
    told = json.loads(to_wire(EVENT)) | change
    with pytest.raises(MalformedEvent):
        from_wire(json.dumps(told).encode())


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"{}", b"\xff"])
def test_no_event_at_all(payload):
    with pytest.raises(MalformedEvent):
        from_wire(payload)
