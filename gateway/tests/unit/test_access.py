"""The record of each request."""

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import gevent
import pytest

from chassis import context, metrics
from chassis.errors import Unavailable
from chassis.log_lines import GATHERED_SECONDS
from chassis.logs import JsonLines
from gateway.access import AccessLog, Visit
from gateway.access_line import Clock
from gateway.channel import Reactor


class Timer:
    """A timer of a loop whose time passes when the test says so."""

    def __init__(self):
        self.call = None

    def start(self, call):
        self.call = call

    again = start

    def stop(self):
        self.call = None


class Turns:
    """An event loop with such timers, by their seconds."""

    def __init__(self):
        self.loop = self
        self.timers = {}

    def timer(self, after, repeat=0.0, ref=True):
        return self.timers.setdefault(after, Timer())

    def tick(self):
        self.timers[1.0].call()

    def end(self):
        self.timers[GATHERED_SECONDS].call()


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def written():
    return []


def visit(**changes):
    here = Visit(None, "http", b"")
    here.method, here.route = "GET", SimpleNamespace(template="/api/v1/orders/{id}")
    for name, value in changes.items():
        setattr(here, name, value)
    return here


def test_the_lines_of_a_moment_are_written_together(turns, written):
    log = AccessLog(turns, release="r1", write=written.append)
    for _ in range(3):
        log.record(visit(), 200, 94)
    assert written == []
    turns.end()
    assert len(written) == 1 and written[0].count(b"\n") == 3


def test_each_moment_of_a_real_loop_has_its_time(written):
    reactor = Reactor()
    log = AccessLog(reactor, release="r1", write=lambda block: written.append((time.monotonic(), block)))
    for number in range(1, 4):
        began = time.monotonic()
        log.record(visit(), 200, 94)
        gevent.sleep(GATHERED_SECONDS / 5)
        log.record(visit(), 200, 94)
        while len(written) < number:
            gevent.sleep(0.001)
        told_at, block = written[-1]
        assert told_at - began >= 0.9 * GATHERED_SECONDS and block.count(b"\n") == 2


def test_a_failure_is_told_at_once_and_what_came_before_it_first(turns, written):
    log = AccessLog(turns, release="r1", write=written.append)
    log.record(visit(), 200, 94)
    log.record(visit(problem=Unavailable("Down.")), 503, 10)
    assert [json.loads(line)["status"] for line in b"".join(written).splitlines()] == [200, 503]
    assert turns.timers[GATHERED_SECONDS].call is None


def test_requests_are_counted_once_a_second(turns):
    log = AccessLog(turns, release="r1", write=len)
    for _ in range(3):
        log.record(visit(route=SimpleNamespace(template="/counted")), 200, 94)
    line = b'http_requests_total{method="GET",route="/counted",status="200"} 3.0'
    assert line not in metrics.exposition()
    turns.tick()
    turns.tick()
    assert line in metrics.exposition()


def test_no_write_is_larger_than_what_a_pipe_keeps_whole(turns, written):
    log = AccessLog(turns, release="r1", write=written.append)
    for _ in range(100):
        log.record(visit(), 200, 94)
    turns.end()
    assert b"".join(written).count(b"\n") == 100
    assert all(len(block) <= 4096 and block.endswith(b"\n") for block in written)


def test_a_line_tells_what_went_wrong(turns, written):
    log = AccessLog(turns, release="r1", write=written.append)
    problem = Unavailable("Down.")
    problem.__cause__ = ConnectionRefusedError(111, "refused")
    log.record(visit(problem=problem), 503, 10)
    log.flush()
    line = json.loads(written[0])
    assert (line["level"], line["status"], line["code"], line["detail"]) == (
        "WARNING",
        503,
        "unavailable",
        "Down.",
    )
    assert "ConnectionRefusedError" in line["cause"]


@pytest.mark.parametrize("endless", ["a" * 9000, "\0" * 9000, "\U0001f600" * 9000, '\\"' * 9000])
def test_a_line_stays_whole_whatever_went_wrong(turns, written, endless):
    log = AccessLog(turns, release="r1", write=written.append)
    problem = Unavailable(endless)
    problem.__cause__ = ValueError(endless)
    log.record(visit(problem=problem, request_id="r" * 64), 503, 10)
    log.flush()
    line = json.loads(written[0])
    assert len(written[0]) < 4096
    assert (len(line["detail"]), len(line["cause"])) == (300, 300)
    assert endless.startswith(line["detail"]) and line["cause"].startswith("ValueError(")


def test_a_client_that_left_has_a_status_of_its_own(turns, written):
    log = AccessLog(turns, release="r1", write=written.append)
    log.record(visit(), 0, 0)
    log.flush()
    assert json.loads(written[0])["status"] == 499


def test_a_line_has_the_form_of_the_services_lines(turns, written):
    log = AccessLog(turns, release="r1", write=written.append)
    log.record(visit(), 200, 94)
    log.flush()
    ours = json.loads(written[0])
    record = logging.LogRecord("access", logging.INFO, "", 0, "request", (), None)
    with context.use(context.RequestContext()):
        theirs = json.loads(JsonLines("gateway", "r1").format(record))
    assert theirs.keys() <= ours.keys()
    assert [ours[name] for name in ("level", "service", "release", "logger", "message")] == [
        theirs[name] for name in ("level", "service", "release", "logger", "message")
    ]


def test_failures_alone_are_written_where_that_is_wanted(turns, written):
    log = AccessLog(turns, release="r1", failures_only=True, write=written.append)
    log.record(visit(), 200, 0)
    log.record(visit(), 404, 0)
    log.record(visit(), 502, 0)
    log.flush()
    assert [json.loads(line)["status"] for line in written[0].splitlines()] == [502]


def test_a_line_has_the_members_and_the_types_it_had_from_an_encoder(turns, written):
    log = AccessLog(turns, release='r"1\\', write=written.append)
    told = visit(cache="hit", caller=SimpleNamespace(user_id="01a1f7ff-047c-7462-a7ab-1aa7d6d902d9"))
    told.route = SimpleNamespace(template='/ä"b')
    before = datetime.now(UTC)
    log.record(told, 404, 12)
    log.flush()
    line = json.loads(written[0])
    assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(line.pop("time")) <= datetime.now(UTC)
    assert 0 <= line.pop("duration_ms") < 1000
    assert line == {
        "level": "INFO",
        "service": "gateway",
        "release": 'r"1\\',
        "logger": "access",
        "message": "request",
        "request_id": told.request_id,
        "trace_id": told.traceparent[3:35],
        "method": "GET",
        "route": '/ä"b',
        "status": 404,
        "bytes": 12,
        "cache": "hit",
        "user_id": "01a1f7ff-047c-7462-a7ab-1aa7d6d902d9",
    }


def test_the_time_of_a_line_is_exact_across_a_second():
    clock = Clock()
    assert [clock.text(at) for at in (1.999999, 2.0, 2.25, 86400.5)] == [
        "1970-01-01T00:00:01.999999Z",
        "1970-01-01T00:00:02.000000Z",
        "1970-01-01T00:00:02.250000Z",
        "1970-01-02T00:00:00.500000Z",
    ]
