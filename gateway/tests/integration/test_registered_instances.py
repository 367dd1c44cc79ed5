"""Instances that announce themselves: the registry's file is followed, and one that dies is missed by nobody."""

import json
import subprocess
import sys

import pytest
from serving import Service, get_new


@pytest.fixture
def start_command(nats_server):
    """Start `python -m chassis.registry` with some words."""
    started = []

    def start(*words):
        argv = [sys.executable, "-m", "chassis.registry", "--nats-url", nats_server.url, "--ttl-seconds", "2"]
        started.append(subprocess.Popen([*argv, *words]))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def pair(services):
    for service in services.values():
        service.reset()
    both = Service(), Service()
    yield both
    for each in both:
        each.stop()


def test_one_of_two_announced_instances_is_killed_and_requests_go_on(
    start_gateway, start_command, pair, tmp_path, until
):
    path = tmp_path / "instances.json"
    start_command("follow", "--file", str(path))
    beats = ["--beat-seconds", "0.3"]
    announced = [start_command("announce", "--service", "orders", "--url", each.url, *beats) for each in pair]
    gateway = start_gateway(orders_url=f"file://{path}")

    def listed():
        return json.loads(path.read_text()).get("orders") if path.exists() else None

    until(lambda: listed() == sorted(each.url for each in pair), 20)
    until(lambda: gateway.ask(get_new()).status == 200 and all(each.requests for each in pair), 20)
    announced[0].kill()
    pair[0].stop()
    statuses = []
    until(lambda: statuses.append(gateway.ask(get_new()).status) or listed() == [pair[1].url], 20)
    assert set(statuses) == {200} and len(statuses) > 5
