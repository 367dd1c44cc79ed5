"""The spans of what a request does: its statements, its calls of peers, and what becomes of its events."""

import uuid

import psycopg
import pytest
from shelves import consumer, noted
from side_by_side import running_tasks

from chassis import context, spans
from chassis.context import RequestContext
from chassis.outbox import Relay
from chassis.spans import Spans
from chassis.tasks import Task

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "jane@shopper.example"  # what nobody wants to find in a span


class Kept(Spans):
    """Spans that are kept and go nowhere."""

    def __init__(self):
        super().__init__(lambda batch: True)
        self.all = []

    def record(self, span):
        self.all.append(span)

    def named(self, name):
        return [span for span in self.all if span.name == name]


class Telling:
    """A task as a worker runs it whose traces are sent."""

    def __init__(self, task: Task, kept: Kept):
        self.name, self.task, self.kept = task.name, task, kept

    async def run(self, broker, stop):
        spans.use(self.kept)
        await self.task.run(broker, stop)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def request_in_hand(kept):
    with context.use(RequestContext(traceparent=f"00-{TRACE}-{PARENT}-01", spans=kept)) as here:
        yield here


def test_each_statement_is_a_span_of_its_text_and_never_of_its_values(database, kept, request_in_hand):
    with database.transaction() as tx:
        tx.move(box := uuid.uuid4())
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), database.read() as tx:
        tx.conn.execute("SELECT %s::uuid", (SECRET,))
    names = ["BEGIN", "INSERT boxes", "INSERT outbox", "COMMIT", "SELECT"]
    assert [span.name for span in kept.all] == names
    assert {(span.kind, span.trace_id, span.parent_id) for span in kept.all} == {("CLIENT", TRACE, PARENT)}
    assert len({span.span_id for span in kept.all}) == len(names)
    insert, refused = kept.all[1], kept.all[-1]
    assert insert.attributes["db.query.text"].startswith("INSERT INTO boxes (id, step) VALUES (%(id)s, 1)")
    assert insert.attributes["db.collection.name"] == "boxes"
    assert (refused.failed, refused.attributes["error.type"]) == (True, "22P02")
    assert not any(secret in str(kept.all) for secret in (SECRET, str(box)))


def test_a_pipeline_is_one_span(database, kept, request_in_hand):
    with database.transaction() as tx, tx.together(), tx.conn.cursor() as cursor:
        cursor.executemany("INSERT INTO boxes (id, step) VALUES (%s, 1)", [(uuid.uuid4(),), (uuid.uuid4(),)])
        tx.conn.execute("SELECT 1")
    assert [span.name for span in kept.all] == ["BEGIN", "BATCH", "COMMIT"]
    told = kept.all[1].attributes
    assert told["db.operation.batch.size"] == 2
    assert told["db.query.text"] == "INSERT INTO boxes (id, step) VALUES (%s, 1); SELECT 1"


def test_a_connection_tells_of_the_request_it_is_lent_to_alone(database, kept):
    with context.use(RequestContext(traceparent=f"00-{TRACE}-{PARENT}-01", spans=kept)):
        database.ping()
    with context.use(RequestContext()):
        database.ping()
    database.ping()
    assert [span.name for span in kept.all] == ["SELECT"]


def test_an_event_is_published_within_its_cause_and_handled_within_its_publication(
    database, other_database, own_nats, kept, until
):
    box, not_kept = uuid.uuid4(), uuid.uuid4()
    with context.use(RequestContext(traceparent=f"00-{TRACE}-{PARENT}-01")), database.transaction() as tx:
        tx.move(box)
    with context.use(RequestContext()), database.transaction() as tx:
        tx.move(not_kept)
    tasks = [Telling(each, kept) for each in (Relay("boxes", database), consumer(other_database))]
    with running_tasks(own_nats.url, *tasks):
        until(lambda: noted(other_database, box) == noted(other_database, not_kept) == [1])
        until(lambda: kept.named("process souk.boxes.box.moved"))
    (published,) = kept.named("publish souk.boxes.box.moved")
    (handled,) = kept.named("process souk.boxes.box.moved")
    assert (published.kind, published.trace_id, published.parent_id) == ("PRODUCER", TRACE, PARENT)
    assert (handled.kind, handled.trace_id, handled.parent_id) == ("CONSUMER", TRACE, published.span_id)
    assert handled.started_ns >= published.started_ns
    assert handled.attributes["messaging.message.id"] == published.attributes["messaging.message.id"]
    assert {span.parent_id for span in kept.named("INSERT notes")} == {handled.span_id}
    assert {span.trace_id for span in kept.all} == {TRACE}


def test_each_try_to_handle_an_event_is_a_span_and_says_that_it_failed(
    database, other_database, own_nats, kept, until
):
    def stumble(tx, event):
        if len(kept.named("process souk.boxes.box.moved")) < 2:
            raise ZeroDivisionError

    with context.use(RequestContext(traceparent=f"00-{TRACE}-{PARENT}-01")), database.transaction() as tx:
        tx.move(uuid.uuid4())
    taking = consumer(other_database, stumble, retry_pauses_seconds=(0.01, 0.01, 0.01))
    with running_tasks(own_nats.url, Telling(Relay("boxes", database), kept), Telling(taking, kept)):
        until(lambda: len(kept.named("process souk.boxes.box.moved")) == 3)
    tries = kept.named("process souk.boxes.box.moved")
    assert [span.failed for span in tries] == [True, True, False]
    assert tries[0].attributes["error.type"] == "ZeroDivisionError"
    assert len({span.span_id for span in tries}) == 3
    assert len({span.parent_id for span in tries}) == 1


def test_statements_of_a_request_without_spans_cost_no_watching(database):
    with context.use(RequestContext()), database.read() as tx:
        assert tx.conn.cursor_factory is psycopg.Cursor
        assert type(tx.conn.cursor()) is psycopg.Cursor
