"""A service that stands still (SIGSTOP): soon told, then at once, and back by itself."""

import signal
import time

import pytest
from bounded import BoundedService, seconds_of
from serving import get_new

QUICK = {"check_interval_seconds": 0.5, "check_timeout_seconds": 0.4, "ejection_seconds": 0.2}


@pytest.fixture
def frozen():
    service = BoundedService()
    yield service
    service.signal(signal.SIGCONT)
    service.stop()


def test_who_waits_is_told_soon_and_who_comes_later_at_once(start_gateway, frozen, until):
    gateway = start_gateway(orders_url=frozen.url, request_deadline_seconds=30, **QUICK)
    assert gateway.ask(get_new()).status == 200
    frozen.signal(signal.SIGSTOP)
    began = time.monotonic()
    waiting = [gateway.connect().send(get_new()) for _ in range(10)]
    replies = [wire.message() for wire in waiting]
    assert time.monotonic() - began < 15  # half of the deadline
    assert {(reply.status, reply.problem["code"]) for reply in replies} == {(503, "upstream_unavailable")}
    quickest = []
    for _ in range(20):
        reply, seconds = seconds_of(lambda: gateway.ask(get_new()))
        assert reply.status == 503 and int(reply["retry-after"]) >= 1
        quickest.append(seconds)
    assert min(quickest) < 0.05
    frozen.signal(signal.SIGCONT)
    until(lambda: gateway.ask(get_new()).status == 200)
    assert {gateway.ask(get_new()).status for _ in range(20)} == {200}


def test_with_another_instance_who_waits_is_answered_by_that(start_gateway, frozen, orders):
    orders.reset()
    gateway = start_gateway(orders_url=f"{frozen.url},{orders.url}", request_deadline_seconds=30, **QUICK)
    assert {gateway.ask(get_new()).status for _ in range(4)} == {200}
    frozen.signal(signal.SIGSTOP)
    waiting = [gateway.connect().send(get_new()) for _ in range(10)]
    assert {wire.message().status for wire in waiting} == {200}
    for wire in waiting:
        wire.close()
