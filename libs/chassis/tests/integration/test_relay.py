"""The outbox's relay against real servers: nothing lost, nothing invented, in each aggregate's order."""

import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boxes
import pytest
import streams
from prometheus_client import REGISTRY
from side_by_side import running_tasks

from chassis import context
from chassis.events import Event, Received
from chassis.outbox import Relay

RELAY = Path(__file__).parent.parent / "processes" / "relay.py"


def move(database: boxes.Boxes, box: uuid.UUID, times: int = 1) -> None:
    for _ in range(times):
        with database.transaction() as tx:
            tx.move(box)


def steps(events: list[Received]) -> dict[uuid.UUID, list[int]]:
    """Each box's steps in the order of publication; a repetition right behind or later is one and the same
    event."""
    found: dict[uuid.UUID, list[int]] = defaultdict(list)
    seen: set[uuid.UUID] = set()
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            found[event.aggregate_id].append(event.version)
    return found


def published(database: boxes.Boxes) -> bool:
    return boxes.waiting(database) == 0


def test_what_was_committed_is_published_with_all_it_carries(database, own_nats, until):
    box, request = uuid.uuid4(), context.RequestContext(request_id="request-1")
    with context.use(request):
        move(database, box)
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database))
    (event,) = streams.events(own_nats.url, "BOXES")
    assert (event.type, event.source, event.aggregate_id, event.version) == (
        "box.moved",
        "/souk/boxes",
        box,
        1,
    )
    assert event.data == {"box": str(box), "step": 1}
    assert (event.request_id, event.traceparent) == ("request-1", request.traceparent)


def test_a_rolled_back_transaction_publishes_nothing(database, own_nats, until):
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        tx.move(uuid.uuid4())
        raise ZeroDivisionError
    kept = uuid.uuid4()
    move(database, kept)
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database))
    assert steps(streams.events(own_nats.url, "BOXES")) == {kept: [1]}


def test_a_long_transaction_is_not_overtaken_for_good(database, own_nats, until):
    early, late = uuid.uuid4(), uuid.uuid4()
    with running_tasks(own_nats.url, Relay("boxes", database)):
        with database.transaction() as tx:
            tx.move(early)
            move(database, late)
            until(lambda: late in steps(streams.events(own_nats.url, "BOXES")))
        until(lambda: early in steps(streams.events(own_nats.url, "BOXES")))


def test_an_idle_relay_is_woken_by_the_commit(database, own_nats, until):
    with running_tasks(own_nats.url, Relay("boxes", database)):
        delays = []
        for _ in range(5):
            move(database, uuid.uuid4())
            began_at = time.monotonic()
            until(lambda: published(database))
            delays.append(time.monotonic() - began_at)
    assert sorted(delays)[2] < 0.2


def test_of_two_relays_one_works_and_the_other_steps_in(database, own_nats, until):
    box = uuid.uuid4()
    with running_tasks(own_nats.url, Relay("boxes", database)):
        with running_tasks(own_nats.url, Relay("boxes", database)):
            move(database, box, 50)
            until(lambda: published(database))
        move(database, box, 50)
        until(lambda: published(database))
    assert steps(streams.events(own_nats.url, "BOXES")) == {box: list(range(1, 101))}


def test_relays_killed_in_the_middle_lose_nothing_and_keep_the_order(database, urls, own_nats, until):
    some, over = [uuid.uuid4() for _ in range(20)], threading.Event()

    def keep_moving() -> int:
        turns = 0
        while not over.is_set():
            turns += 1
            for box in some:
                move(database, box)
        return turns

    with ThreadPoolExecutor(1) as threads:
        moving = threads.submit(keep_moving)
        for _ in range(3):
            before = len(streams.messages(own_nats.url, "BOXES"))
            relay = subprocess.Popen([sys.executable, RELAY, urls.runtime, own_nats.url])
            until(lambda before=before: len(streams.messages(own_nats.url, "BOXES")) > before + 20, 20)
            relay.kill()
            relay.wait()
        over.set()
        turns = moving.result()
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database), 20)
    assert steps(streams.events(own_nats.url, "BOXES")) == {box: list(range(1, turns + 1)) for box in some}


def test_events_wait_for_a_broker_that_is_down_and_killed(database, own_nats, until):
    box = uuid.uuid4()
    with running_tasks(own_nats.url, Relay("boxes", database)):
        move(database, box, 10)
        until(lambda: published(database))
        own_nats.kill()
        move(database, box, 10)
        assert boxes.waiting(database) == 10
        own_nats.start()
        until(lambda: published(database), 10)
    assert steps(streams.events(own_nats.url, "BOXES")) == {box: list(range(1, 21))}


def test_an_event_that_the_broker_refuses_holds_up_its_aggregate_alone(database, own_nats, until):
    large, small = uuid.uuid4(), uuid.uuid4()
    with database.transaction() as tx:
        tx.emit(Event("box.filled", large, 1, {"content": "x" * 2_000_000}))
        tx.emit(Event("box.moved", large, 2, {}))
        tx.emit(Event("box.moved", small, 1, {}))
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: boxes.waiting(database) == 2)
    assert steps(streams.events(own_nats.url, "BOXES")) == {small: [1]}


def test_what_is_kept_is_published_again_to_a_broker_that_lost_its_disk(database, own_nats, until):
    box = uuid.uuid4()
    move(database, box, 10)
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database))
        streams.delete(own_nats.url, "BOXES")
        move(database, box, 10)
        until(lambda: len(streams.messages(own_nats.url, "BOXES")) == 20, 10)
    assert steps(streams.events(own_nats.url, "BOXES")) == {box: list(range(1, 21))}


def test_an_event_that_the_stream_refuses_is_tried_later_and_waits_for_nobody(database, own_nats, until):
    large, small = uuid.uuid4(), uuid.uuid4()
    streams.make(own_nats.url, "BOXES", max_msg_size=2000)
    with database.transaction() as tx:
        tx.emit(Event("box.filled", large, 1, {"content": "x" * 2000}))
        tx.emit(Event("box.moved", small, 1, {}))
    began_at = time.monotonic()
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: tries(database) >= 2)
    assert time.monotonic() - began_at < 4
    assert steps(streams.events(own_nats.url, "BOXES")) == {small: [1]}


def tries(database: boxes.Boxes) -> int:
    with database.read() as tx:
        return tx.conn.execute("SELECT max(tries) AS tries FROM outbox").fetchone()["tries"]


def test_an_event_refused_too_often_is_parked_and_the_next_ones_go_on(database, urls, own_nats, until):
    large = uuid.uuid4()
    with database.transaction() as tx:
        tx.emit(Event("box.filled", large, 1, {"content": "x" * 2_000_000}))
        tx.emit(Event("box.moved", large, 2, {}))
    with boxes.as_superuser(urls.runtime) as conn:
        conn.execute("UPDATE outbox SET tries = 9 WHERE type = 'box.filled'")
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: boxes.waiting(database) == 1)
    assert steps(streams.events(own_nats.url, "BOXES")) == {large: [2]}


def test_a_backlog_of_3000_events_is_drained_in_seconds(database, own_nats, until):
    with database.transaction() as tx:
        for box in (uuid.uuid4() for _ in range(600)):
            for version in range(1, 6):
                tx.emit(Event("box.moved", box, version, {"step": version}))
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database), 10)
    assert set(map(tuple, steps(streams.events(own_nats.url, "BOXES")).values())) == {(1, 2, 3, 4, 5)}


def test_what_waits_is_stored_at_once_also_by_a_stream_of_an_earlier_release(database, own_nats, until):
    box = uuid.uuid4()
    streams.make(own_nats.url, "BOXES")
    move(database, box, 20)
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database))
    stored = streams.messages(own_nats.url, "BOXES")
    assert len({message.headers["Nats-Batch-Id"] for message in stored}) == 1
    assert steps(streams.events(own_nats.url, "BOXES")) == {box: list(range(1, 21))}


def test_events_of_which_some_are_stored_already_are_published_one_by_one(database, own_nats, until):
    box = uuid.uuid4()
    move(database, box, 3)
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database))
    with database.transaction() as tx:  # it was killed before it could mark them
        tx.conn.execute("UPDATE outbox SET published_at = NULL WHERE version > 1")
    move(database, box, 2)
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: published(database))
    assert [each.version for each in streams.events(own_nats.url, "BOXES")] == [1, 2, 3, 4, 5]


def test_a_relay_tells_what_waits_while_it_leads_and_no_longer(database, own_nats, until):
    def told(name):
        return REGISTRY.get_sample_value(f"outbox_{name}")

    move(database, uuid.uuid4(), times=3)
    own_nats.stop()
    began_at = time.time()
    with running_tasks(own_nats.url, Relay("boxes", database)):
        until(lambda: told("waiting_events") == 3)
        assert told("measured_timestamp_seconds") >= began_at
    assert (told("waiting_events"), told("oldest_seconds")) == (0, 0)
