"""Transactions against a real PostgreSQL."""

import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC

import boxes
import psycopg
import pytest

from chassis import context
from chassis.errors import DeadlineExceeded
from chassis.events import Event
from chassis.postgres import DatabaseBusy, constraint_of


def test_a_transaction_is_kept_when_its_block_ends_well(database):
    box = uuid.uuid4()
    with database.transaction() as tx:
        assert tx.move(box) == 1
    with database.read() as tx:
        assert tx.steps(box) == 1


def test_an_exception_undoes_the_transaction_and_its_events(database):
    box = uuid.uuid4()
    with pytest.raises(ZeroDivisionError), database.transaction() as tx:
        tx.move(box)
        raise ZeroDivisionError
    with database.read() as tx:
        assert tx.steps(box) == 0
    assert boxes.waiting(database) == 0


def test_a_swallowed_database_error_does_not_pass_for_a_commit(database):
    with pytest.raises(psycopg.InternalError, match="swallowed"), database.transaction() as tx:
        tx.move(uuid.uuid4())
        with suppress(psycopg.errors.DivisionByZero):
            tx.conn.execute("SELECT 1 / 0")
    assert boxes.waiting(database) == 0


def test_an_event_carries_the_request_that_caused_it(database):
    request = context.RequestContext(request_id="request-4711")
    with context.use(request), database.transaction() as tx:
        tx.emit(Event("box.moved", uuid.uuid4(), 1, {"id": uuid.uuid4()}))
    with database.read() as tx:
        row = tx.conn.execute("SELECT request_id, traceparent FROM outbox").fetchone()
    assert row == {"request_id": "request-4711", "traceparent": request.traceparent}


def test_an_event_is_received_once(database):
    event_id = uuid.uuid4()
    with database.transaction() as tx:
        assert tx.receive(event_id)
        assert not tx.receive(event_id)
    with database.transaction() as tx:
        assert not tx.receive(event_id)


@pytest.mark.parametrize("use", [lambda tx: tx.move(uuid.uuid4()), lambda tx: tx.receive(uuid.uuid4())])
def test_what_needs_a_transaction_is_refused_outside_of_one(database, use):
    with pytest.raises(RuntimeError, match="transaction"), database.read() as tx:
        use(tx)


def test_now_is_the_transactions_timestamp_in_utc(database):
    with database.transaction() as tx:
        assert tx.now == tx.conn.execute("SELECT now() AS now").fetchone()["now"]
        assert tx.now.utcoffset() == UTC.utcoffset(None)


def test_a_violated_constraint_has_a_name(database):
    with pytest.raises(psycopg.errors.CheckViolation) as caught, database.transaction() as tx:
        tx.conn.execute("INSERT INTO boxes (id, step) VALUES (%s, 0)", (uuid.uuid4(),))
    assert constraint_of(caught.value) == "boxes_step_ck"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id integer)",
        "DROP TABLE boxes",
        "TRUNCATE outbox",
        "UPDATE outbox SET data = '{}'",
        "UPDATE inbox SET received_at = now()",
        "UPDATE idempotency_keys SET fingerprint = ''",
        "DELETE FROM schema_migrations",
    ],
)
def test_the_runtime_role_may_not(database, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.conn.execute(statement)


def test_another_services_role_cannot_connect(make_database, urls, postgres_server, tmp_path):
    make_database("crates", tmp_path)
    name = psycopg.conninfo.conninfo_to_dict(urls.runtime)["dbname"]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(postgres_server.url(name, "crates_runtime"))


def test_a_full_pool_answers_busy_after_its_timeout(urls):
    small = boxes.open_boxes(urls.runtime, db_pool_max_size=1, db_pool_timeout_seconds=0.05)
    with small.read(), pytest.raises(DatabaseBusy), small.read():
        pass
    small.close()


def test_a_slow_statement_ends_at_its_timeout_and_the_connection_lives_on(urls):
    impatient = boxes.open_boxes(urls.runtime, db_statement_timeout_seconds=0.05, db_pool_max_size=1)
    with pytest.raises(DeadlineExceeded), impatient.read() as tx:
        tx.conn.execute("SELECT pg_sleep(5)")
    impatient.ping()
    impatient.close()


def test_a_statement_gets_no_more_time_than_its_request_has(database):
    request = context.RequestContext(deadline=time.monotonic() + 0.1)
    with context.use(request), pytest.raises(DeadlineExceeded), database.transaction() as tx:
        tx.conn.execute("SELECT pg_sleep(5)")


def test_a_request_without_time_left_does_not_begin(database):
    with context.use(context.RequestContext(deadline=0)), pytest.raises(DeadlineExceeded):
        database.ping()


def test_a_deadlock_is_a_reason_to_come_again(database):
    one, two = sorted(uuid.uuid4() for _ in range(2))
    met = threading.Barrier(2)

    def cross(first, second):
        with database.transaction() as tx:
            tx.move(first)
            met.wait(5)
            tx.move(second)

    with ThreadPoolExecutor(2) as threads:
        ends = [threads.submit(cross, one, two), threads.submit(cross, two, one)]
    failures = [error for end in ends if (error := end.exception())]
    assert [type(error) for error in failures] == [DatabaseBusy]


def test_a_forked_child_has_connections_of_its_own(database):
    database.ping()
    child = os.fork()
    if child == 0:
        exit_code = 1
        try:
            database.ping()
            database.close()
            exit_code = 0
        finally:
            os._exit(exit_code)
    assert os.waitpid(child, 0)[1] == 0
    database.ping()
