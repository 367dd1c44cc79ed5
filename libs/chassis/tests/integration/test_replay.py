"""A service whose database was put back from a backup hears again what it had heard since."""

import asyncio
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import boxes
import pytest
from shelves import consumer, moved, noted, tell
from side_by_side import running_tasks

from chassis.replay import set_back


def forget(urls):
    """Put a database back to before everything."""
    with boxes.as_superuser(urls.runtime) as conn:
        conn.execute("TRUNCATE notes, inbox")


def again(nats, since, service="shelf"):
    return asyncio.run(set_back(nats.url, service, since))


@pytest.fixture
def taken(other_database, own_nats, until):
    """Three steps that were taken, and a moment between the first and the others."""
    box = uuid.uuid4()
    with running_tasks(own_nats.url, consumer(other_database)):
        tell(own_nats, moved(box, 1))
        until(lambda: noted(other_database) == [1])
        between = datetime.now(UTC)
        tell(own_nats, moved(box, 2), moved(box, 3))
        until(lambda: noted(other_database) == [1, 2, 3])
    return between


def test_what_was_published_since_a_moment_comes_again(taken, other_database, other_urls, own_nats, until):
    forget(other_urls)
    assert again(own_nats, taken) == {"BOXES": 2}
    with running_tasks(own_nats.url, consumer(other_database)):
        until(lambda: noted(other_database) == [2, 3])


def test_it_comes_again_to_a_worker_that_runs(taken, other_database, other_urls, own_nats, until):
    with running_tasks(own_nats.url, consumer(other_database)) as broker:
        until(lambda: broker.connected)
        forget(other_urls)
        again(own_nats, taken)
        until(lambda: noted(other_database) == [2, 3])


def test_what_the_service_knows_has_no_second_effect(taken, other_database, own_nats, until):
    assert again(own_nats, taken - timedelta(hours=1)) == {"BOXES": 3}
    with running_tasks(own_nats.url, consumer(other_database)):
        tell(own_nats, moved(uuid.uuid4(), 4))
        until(lambda: noted(other_database) == [1, 2, 3, 4])


def test_a_moment_behind_the_last_event_brings_none(taken, own_nats):
    assert again(own_nats, datetime.now(UTC) + timedelta(hours=1)) == {"BOXES": 0}


def test_a_service_that_takes_nothing_has_nothing_to_hear(taken, own_nats):
    assert again(own_nats, taken, service="nobody") == {}


def test_the_command_says_how_many_come_again(taken, own_nats, urls, key_files):
    told = {"DB_URL": urls.runtime, **key_files}
    command = [sys.executable, "-m", "chassis.replay", "shelf", "--since", taken.isoformat()]

    def run(url):
        env = {f"SHELF_{name}": value for name, value in (told | {"NATS_URL": url}).items()}
        return subprocess.run(command, env=env, capture_output=True, text=True)

    assert run(own_nats.url).stdout == "shelf: 2 events of BOXES come again\n"
    refused = run("nats://127.0.0.1:9")
    assert refused.returncode == 69
    assert (
        refused.stderr
        == "The broker gives no answer: NoServersError nats: no servers available for connection\n"
    )
