"""What happens to a service when its PostgreSQL restarts, stops or freezes."""

import time
from concurrent.futures import ThreadPoolExecutor

import boxes
import pytest

from chassis.postgres import DatabaseUnavailable


def ping_for(database: boxes.Boxes, seconds: float) -> list[Exception]:
    """Ping without a pause, and return the failures."""
    failures: list[Exception] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            database.ping()
        except DatabaseUnavailable as error:
            failures.append(error)
    return failures


@pytest.fixture
def database(own_postgres):
    opened = boxes.open_boxes(
        own_postgres.url(), db_statement_timeout_seconds=0.2, db_connect_timeout_seconds=2
    )
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: opened.ping(), range(50)))
    yield opened
    opened.close()


def test_an_idle_service_does_not_notice_a_restart(database, own_postgres):
    own_postgres.stop()
    own_postgres.start()
    assert ping_for(database, seconds=0.2) == []


def test_a_restart_costs_a_busy_service_a_few_requests_and_no_burst(database, own_postgres):
    with ThreadPoolExecutor(4) as threads:
        ends = [threads.submit(ping_for, database, 2.0) for _ in range(4)]
        own_postgres.stop()
        own_postgres.start()
        failures = [failure for end in ends for failure in end.result()]
    assert len(failures) <= 8


def test_in_a_long_outage_nobody_waits_for_long_and_it_ends_by_itself(database, own_postgres, until):
    own_postgres.stop()
    with pytest.raises(DatabaseUnavailable):
        database.ping()
    began_at = time.monotonic()
    for _ in range(20):
        with pytest.raises(DatabaseUnavailable):
            database.ping()
    assert time.monotonic() - began_at < 6
    own_postgres.start()
    until(lambda: ping_for(database, seconds=0.01) == [], timeout_seconds=5)


def test_a_frozen_server_does_not_hold_requests(database, own_postgres, until):
    own_postgres.freeze()
    began_at = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        database.ping()
    assert time.monotonic() - began_at < 3
    own_postgres.thaw()
    until(lambda: ping_for(database, seconds=0.01) == [], timeout_seconds=5)
