"""The operator's way to the dead letters: shown, tried again, dropped, counted."""

import subprocess
import sys
import uuid

import boxes
import pytest
import streams
from prometheus_client import REGISTRY
from shelves import consumer, moved, note, noted, tell
from side_by_side import running_tasks


@pytest.fixture
def run(own_nats, key_files):
    """Run the command as an operator does: what it said."""

    def run(*arguments: str) -> str:
        told = {"DB_URL": "postgresql://nobody@/none", **key_files}
        return subprocess.run(
            [sys.executable, "-m", "chassis.dead_letters", "shelf", *arguments],
            env={f"SHELF_{name}": value for name, value in told.items()} | {"SHELF_NATS_URL": own_nats.url},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return run


def refuse(tx: boxes.BoxTransaction, event) -> None:
    raise ValueError("no such shelf")


def give_up(nats, database, until, *payloads: bytes) -> None:
    """Let a consumer give up some events."""
    tell(nats, *payloads)
    with running_tasks(nats.url, consumer(database, refuse, retry_pauses_seconds=())):
        until(lambda: len(streams.messages(nats.url, "DEAD")) == len(payloads))


def test_dead_letters_are_shown_with_their_cause(other_database, own_nats, until, run):
    box = uuid.uuid4()
    give_up(own_nats, other_database, until, moved(box, 1))
    heading, _, row = run("list").splitlines()
    assert heading == "shelf: 1 dead letters"
    assert (row.split()[0], str(box) in row) == ("1", True)
    assert row.endswith("souk.boxes.box.moved              ValueError: no such shelf")


def test_a_redriven_letter_takes_effect_once_and_is_gone(other_database, own_nats, until, run):
    box = uuid.uuid4()
    give_up(own_nats, other_database, until, moved(box, 1), moved(box, 2))
    assert run("redrive", "2") == "shelf: 1 dead letters are tried again\n"
    assert run("redrive") == "shelf: 1 dead letters are tried again\n"
    with running_tasks(own_nats.url, consumer(other_database, note)):
        until(lambda: sorted(noted(other_database)) == [1, 2])
    assert run("list") == "shelf: 0 dead letters\n"


def test_what_is_no_event_is_redriven_only_by_its_number(other_database, own_nats, until, run):
    give_up(own_nats, other_database, until, b"{")
    assert run("redrive") == "shelf: 0 dead letters are tried again\n"
    assert run("redrive", "1") == "shelf: 1 dead letters are tried again\n"


def test_what_dies_again_is_not_redriven_in_a_circle(other_database, own_nats, until, run):
    give_up(own_nats, other_database, until, *(moved(uuid.uuid4(), 1) for _ in range(20)))
    with running_tasks(own_nats.url, consumer(other_database, refuse, retry_pauses_seconds=())):
        assert run("redrive") == "shelf: 20 dead letters are tried again\n"
        until(lambda: run("list").startswith("shelf: 20 dead letters\n"))


def test_a_dropped_letter_is_gone_and_no_other(other_database, own_nats, until, run):
    give_up(own_nats, other_database, until, moved(uuid.uuid4(), 1), b"{")
    assert run("drop", "2", "7") == "shelf: 1 dead letters dropped\n"
    assert run("list").startswith("shelf: 1 dead letters\n")


def test_what_died_is_a_metric(other_database, own_nats, until):
    give_up(own_nats, other_database, until, moved(uuid.uuid4(), 1), moved(uuid.uuid4(), 1))
    with running_tasks(own_nats.url, consumer(other_database)):
        until(lambda: REGISTRY.get_sample_value("dead_letters") == 2)
