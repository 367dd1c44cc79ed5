"""One key under many hands: concurrent duplicates, killed processes, lost databases."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boxes
import pytest

from chassis.idempotency import Once, Replay, RequestInProgress

HOLDER = Path(__file__).parent.parent / "processes" / "claim_and_hang.py"

END_SIGNS_OF_LIFE = """
    SELECT pg_terminate_backend(pid)
    FROM pg_locks
    WHERE locktype = 'advisory'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def once(key: str = "k") -> Once:
    return Once(
        caller="ada", route="r", key=key, fingerprint=b"", present=lambda result: (201, str(result).encode())
    )


def place(database: boxes.Boxes, key: str, box: uuid.UUID) -> bytes:
    """A use case of one step; returns what the client is told."""
    request = once(key)
    try:
        with database.transaction() as tx:
            request.begin(tx)
            step = tx.move(box)
            request.end(tx, step)
            return b"%d" % step
    except Replay as replay:
        return replay.body
    except RequestInProgress:
        return b"in progress"


def test_of_many_equal_requests_at_once_one_has_an_effect(database):
    box = uuid.uuid4()
    with ThreadPoolExecutor(20) as threads:
        for key in ("first", "second", "third"):
            told = Counter(threads.map(lambda _, key=key: place(database, key, box), range(20)))
            assert len(told.keys() - {b"in progress"}) == 1
    with database.read() as tx:
        assert tx.steps(box) == 3


def test_a_duplicate_does_not_wait_for_the_first_ones_transaction(database):
    claimed, over = threading.Event(), threading.Event()

    def hold() -> None:
        with database.transaction() as tx:
            once().begin(tx)
            claimed.set()
            over.wait(5)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(hold)
        claimed.wait(5)
        began_at = time.monotonic()
        with pytest.raises(RequestInProgress), database.transaction() as tx:
            once().begin(tx)
        took = time.monotonic() - began_at
        over.set()
    assert took < 1


def test_a_killed_process_leaves_nothing_that_blocks_the_retry(database, urls, until):
    with subprocess.Popen([sys.executable, HOLDER, urls.runtime], stdout=subprocess.PIPE) as process:
        claimed_id = process.stdout.readline().strip().decode()
        with pytest.raises(RequestInProgress), database.transaction() as tx:
            once().begin(tx)
        os.kill(process.pid, signal.SIGKILL)
    assert until(lambda: taken_over(database)) == claimed_id


def taken_over(database: boxes.Boxes) -> str | None:
    retry = once()
    try:
        with database.transaction() as tx:
            retry.begin(tx)
    except RequestInProgress:
        return None
    return str(retry.id)


def test_a_process_that_lost_its_sign_of_life_gets_another(database, urls, until):
    with database.transaction() as tx:
        once("before").begin(tx)
    with boxes.as_superuser(urls.runtime) as conn:
        until(lambda: conn.execute(END_SIGNS_OF_LIFE).fetchall() == [])
    with database.transaction() as tx:
        once("after").begin(tx)
    with pytest.raises(RequestInProgress), database.transaction() as tx:
        once("after").begin(tx)
