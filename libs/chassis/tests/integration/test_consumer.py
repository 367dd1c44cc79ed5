"""A consumer against real servers: each event takes effect once, in order, whatever fails in between."""

import time
import uuid

import boxes
import streams
from prometheus_client import REGISTRY
from shelves import consumer, moved, note, noted, tell
from side_by_side import running_tasks

from chassis import context
from chassis.events import Received
from chassis.outbox import Relay


def test_events_take_effect_in_their_order(other_database, own_nats, until):
    some = [uuid.uuid4() for _ in range(5)]
    with running_tasks(own_nats.url, consumer(other_database)):
        tell(own_nats, *(moved(box, step) for step in range(1, 21) for box in some))
        until(lambda: len(noted(other_database)) == 100)
    assert [noted(other_database, box) for box in some] == [list(range(1, 21))] * 5


def test_the_age_of_an_event_at_its_effect_is_measured_once(other_database, own_nats, until):
    labels = {"stream": "boxes", "type": "box.moved"}
    name = "consumed_event_age_seconds_count"
    before = REGISTRY.get_sample_value(name, labels) or 0
    twice = moved(uuid.uuid4(), 1)
    tell(own_nats, twice, twice, moved(uuid.uuid4(), 2))
    with running_tasks(own_nats.url, consumer(other_database)):
        until(lambda: sorted(noted(other_database)) == [1, 2])
        until(lambda: REGISTRY.get_sample_value(name, labels) == before + 2)


def test_a_consumer_waits_for_its_producers_stream(other_database, own_nats, until):
    with running_tasks(own_nats.url, consumer(other_database)) as broker:
        until(lambda: broker.connected)
        tell(own_nats, moved(uuid.uuid4(), 1))
        until(lambda: noted(other_database) == [1])


def test_an_event_delivered_twice_takes_effect_once(other_database, own_nats, until):
    box = uuid.uuid4()
    first = moved(box, 1)
    tell(own_nats, first, first, moved(box, 2), first)
    with running_tasks(own_nats.url, consumer(other_database)):
        until(lambda: noted(other_database) == [1, 2])
        tell(own_nats, moved(box, 3))
        until(lambda: noted(other_database) == [1, 2, 3])


def test_an_event_arrives_within_milliseconds_from_commit_to_effect(
    database, other_database, own_nats, until
):
    delays = []
    with running_tasks(own_nats.url, Relay("boxes", database), consumer(other_database)):
        for turn in range(1, 8):
            with database.transaction() as tx:
                tx.move(uuid.uuid4())
            began_at = time.monotonic()
            until(lambda turn=turn: len(noted(other_database)) == turn)
            delays.append(time.monotonic() - began_at)
    assert sorted(delays)[3] < 0.2


def test_a_handler_runs_in_the_request_that_caused_the_event(other_database, own_nats, until):
    requests = []

    def remember(tx: boxes.BoxTransaction, event: Received) -> None:
        requests.append(context.current())

    tell(own_nats, moved(uuid.uuid4(), 1))
    with running_tasks(own_nats.url, consumer(other_database, remember)):
        until(lambda: requests)
    assert (requests[0].request_id, requests[0].trace_id) == ("request-1", "1" * 32)


def test_a_handler_that_fails_at_first_is_tried_again_and_the_order_is_kept(other_database, own_nats, until):
    box, other, failures = uuid.uuid4(), uuid.uuid4(), iter([True, True])

    def stumble(tx: boxes.BoxTransaction, event: Received) -> None:
        note(tx, event)
        if event.aggregate_id == box and next(failures, False):
            raise ZeroDivisionError

    tell(own_nats, moved(box, 1), moved(box, 2), moved(other, 7))
    with running_tasks(own_nats.url, consumer(other_database, stumble)):
        until(lambda: len(noted(other_database)) == 3)
    assert noted(other_database) == [7, 1, 2]


def test_a_poisonous_event_goes_to_the_dead_letters_and_the_next_ones_go_on(other_database, own_nats, until):
    box, tries = uuid.uuid4(), []

    def refuse_the_first(tx: boxes.BoxTransaction, event: Received) -> None:
        note(tx, event)
        if event.version == 1:
            tries.append(event.id)
            raise ValueError("no such\nshelf")

    poison = moved(box, 1)
    tell(own_nats, poison, moved(box, 2))
    with running_tasks(
        own_nats.url, consumer(other_database, refuse_the_first, retry_pauses_seconds=(0, 0, 0, 0))
    ):
        until(lambda: noted(other_database) == [2])
    (dead,) = streams.messages(own_nats.url, "DEAD")
    assert (dead.subject, dead.data) == ("dead.shelf.box.moved", poison)
    assert dead.headers["Souk-Cause"] == "ValueError: no such shelf"
    assert len(tries) == 5


def test_what_is_no_event_goes_to_the_dead_letters_at_once(other_database, own_nats, until):
    tell(own_nats, b"{", moved(uuid.uuid4(), 1))
    with running_tasks(own_nats.url, consumer(other_database)):
        until(lambda: noted(other_database) == [1])
        until(lambda: streams.messages(own_nats.url, "DEAD"))


def test_events_nobody_handles_are_passed_over(other_database, own_nats, until):
    tell(own_nats, moved(uuid.uuid4(), 1), event_type="box.burnt")
    tell(own_nats, moved(uuid.uuid4(), 2))
    with running_tasks(own_nats.url, consumer(other_database)):
        until(lambda: noted(other_database) == [2])
    assert streams.messages(own_nats.url, "DEAD") == []


def test_of_two_consumers_one_works_and_the_other_steps_in(other_database, own_nats, until):
    box = uuid.uuid4()
    with running_tasks(own_nats.url, consumer(other_database)):
        with running_tasks(own_nats.url, consumer(other_database)):
            tell(own_nats, *(moved(box, step) for step in range(1, 31)))
            until(lambda: len(noted(other_database)) == 30)
        tell(own_nats, *(moved(box, step) for step in range(31, 61)))
        until(lambda: len(noted(other_database)) == 60)
    assert noted(other_database) == list(range(1, 61))
