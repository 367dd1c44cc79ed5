"""A gateway that may open no more files."""

import resource
import time
from pathlib import Path

import pytest
from serving import get

CLIENTS = 3


@pytest.fixture
def gateway(start_gateway):
    return start_gateway(web_processes=1)


def web_process(gateway):
    pid = gateway.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def refusals(gateway):
    return [line for line in gateway.lines() if "cannot accept" in line.get("message", "")]


def test_clients_wait_until_there_are_descriptors_again(gateway, until):
    pid = web_process(gateway)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    began = time.monotonic()
    waiting = [gateway.connect().send(get("/shop/shop.js")) for _ in range(CLIENTS)]
    until(lambda: len(refusals(gateway)) >= 3)
    assert len(refusals(gateway)) <= 2 + 2 * (time.monotonic() - began), "it tries again without a pause"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    assert [wire.message().status for wire in waiting] == [200] * CLIENTS
