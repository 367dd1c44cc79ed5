"""A consumer when its process, the broker or its database is taken away."""

import subprocess
import sys
import threading
import uuid
from pathlib import Path

import boxes
import pytest
from shelves import consumer, moved, note, noted, tell
from side_by_side import running_tasks

from chassis.migrations import migrate

SHELF = Path(__file__).parent.parent / "processes" / "shelf.py"


def test_a_killed_consumers_events_come_again_at_once_and_in_order(database, urls, own_nats, until):
    some = [uuid.uuid4() for _ in range(4)]
    tell(own_nats, *(moved(box, step) for step in range(1, 101) for box in some))
    for _ in range(3):
        before = len(noted(database))
        process = subprocess.Popen([sys.executable, SHELF, urls.runtime, own_nats.url])
        until(lambda before=before: len(noted(database)) > before + 20, 20)
        process.kill()
        process.wait()
    with running_tasks(own_nats.url, consumer(database)):
        until(lambda: len(noted(database)) == 400, 10)
    assert [noted(database, box) for box in some] == [list(range(1, 101))] * 4


def test_a_consumer_goes_on_after_the_broker_was_killed(other_database, own_nats, until):
    box = uuid.uuid4()
    with running_tasks(own_nats.url, consumer(other_database)):
        tell(own_nats, *(moved(box, step) for step in range(1, 21)))
        until(lambda: noted(other_database))
        own_nats.kill()
        own_nats.start()
        tell(own_nats, *(moved(box, step) for step in range(21, 41)))
        until(lambda: len(noted(other_database)) == 40, 10)
    assert noted(other_database) == list(range(1, 41))


def test_a_consumer_that_starts_without_a_broker_waits_for_it(other_database, own_nats, until):
    tell(own_nats, moved(uuid.uuid4(), 1))
    own_nats.stop()
    with running_tasks(own_nats.url, consumer(other_database)):
        own_nats.start()
        until(lambda: noted(other_database) == [1], 10)


@pytest.fixture
def stoppable_database(own_postgres):
    own_postgres.execute("CREATE ROLE boxes_runtime")
    migrate(own_postgres.url(), boxes.MIGRATIONS)
    opened = boxes.open_boxes(own_postgres.url())
    yield opened
    opened.close()


def test_a_database_that_is_down_does_not_make_an_event_poisonous(
    stoppable_database, own_postgres, own_nats, until
):
    box, reached = uuid.uuid4(), threading.Event()

    def noticed(tx, event):
        note(tx, event)
        reached.set()

    with running_tasks(own_nats.url, consumer(stoppable_database, noticed)):
        tell(own_nats, moved(box, 1))
        until(lambda: noted(stoppable_database) == [1])
        own_postgres.stop()
        tell(own_nats, moved(box, 2), moved(box, 3))
        own_postgres.start()
        until(lambda: noted(stoppable_database) == [1, 2, 3], 15)
