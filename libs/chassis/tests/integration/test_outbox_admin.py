"""The operator's way to the outbox: what is shown, tried again and published once more."""

import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import boxes
import pytest
import streams
from side_by_side import running_tasks

from chassis.events import Event
from chassis.outbox import Relay
from chassis.outbox_admin import redrive, republish, state, unpublished

NEVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(urls, key_files):
    """Run the command as an operator does: its exit code and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        told = {"DB_URL": urls.runtime, **key_files}
        ran = subprocess.run(
            [sys.executable, "-m", "chassis.outbox_admin", "boxes", *arguments],
            env={f"BOXES_{name}": value for name, value in told.items()},
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stdout + ran.stderr

    return run


def emit(database, *boxes_: uuid.UUID) -> None:
    with database.transaction() as tx:
        for version, box in enumerate(boxes_, 1):
            tx.emit(Event("box.moved", box, version, {}))


def park(urls, box: uuid.UUID) -> None:
    with boxes.as_superuser(urls.runtime) as conn:
        conn.execute("UPDATE outbox SET parked_at = now(), tries = 10 WHERE aggregate_id = %s", (box,))


def publish_all(database, nats, until) -> None:
    with running_tasks(nats.url, Relay("boxes", database)):
        until(lambda: boxes.waiting(database) == 0)


def test_parked_events_are_shown_first(database, urls, run):
    parked, waiting = uuid.uuid4(), uuid.uuid4()
    emit(database, waiting, parked)
    park(urls, parked)
    assert [(row["state"], row["aggregate_id"]) for row in unpublished(database)] == [
        ("parked", parked),
        ("waiting", waiting),
    ]
    code, said = run("list")
    assert (code, said.splitlines()[0][:28]) == (0, "boxes: 1 waiting, 1 parked, ")
    assert str(parked) in said.splitlines()[2]


def test_a_parked_event_that_is_redriven_is_published(database, urls, own_nats, until, run):
    parked = uuid.uuid4()
    emit(database, parked)
    park(urls, parked)
    assert run("redrive") == (0, "boxes: 1 parked events are tried again\n")
    publish_all(database, own_nats, until)
    assert [event.aggregate_id for event in streams.events(own_nats.url, "BOXES")] == [parked]


def test_only_what_is_named_is_redriven(database, urls):
    first, second = uuid.uuid4(), uuid.uuid4()
    emit(database, first, second)
    park(urls, first)
    park(urls, second)
    (position,) = [row["position"] for row in unpublished(database) if row["aggregate_id"] == second]
    assert redrive(database, [position]) == 1
    assert (state(database)["parked"], state(database)["waiting"]) == (1, 1)


def test_what_a_broker_lost_is_published_once_more_in_order(database, own_nats, until):
    box = uuid.uuid4()
    emit(database, *[box] * 20)
    publish_all(database, own_nats, until)
    streams.delete(own_nats.url, "BOXES")
    assert republish(database, NEVER, datetime.now(UTC)) == 20
    publish_all(database, own_nats, until)
    assert [event.version for event in streams.events(own_nats.url, "BOXES")] == list(range(1, 21))


def test_what_is_outside_the_range_is_left_alone(database, own_nats, until, run):
    emit(database, uuid.uuid4())
    publish_all(database, own_nats, until)
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert republish(database, NEVER, NEVER + timedelta(days=1)) == 0
    assert run("republish", "--since", later.isoformat())[1] == "boxes: 0 events are published again\n"


def test_a_time_without_its_zone_is_refused(run):
    code, said = run("republish", "--since", "2026-11-20T08:00")
    assert code == 2
    assert "--since" in said
