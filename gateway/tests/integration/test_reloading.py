"""The route file read again on HUP, under load, with processes that die in between."""

import os
import signal
import threading
from pathlib import Path

import pytest
from serving import get

from chassis.testing.waiting import until

ROUTE = '[[route]]\npath = "{path}"\nmethods = ["GET"]\nupstream = "orders"\npolicy = "public"\n'
CLIENTS = 4


class RouteFile:
    """The route file of a running gateway."""

    def __init__(self, path):
        self.path = path
        self.gateway = None
        self.write("/kept")

    def write(self, *paths):
        self.path.write_text("".join(ROUTE.format(path=path) for path in paths))

    def reload(self, *, good=True):
        """Tell the gateway, and wait until the processes that should have read it have."""
        before = len(self.told())
        self.gateway.process.send_signal(signal.SIGHUP)
        until(lambda: len(self.told()) == before + (1 + len(self.workers()) if good else 1), 60)

    def told(self):
        return [line["message"] for line in self.gateway.lines() if line["message"].startswith("route file")]

    def workers(self):
        pid = self.gateway.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def leads(self, path):
        return self.gateway.ask(get(path)).status == 200


@pytest.fixture
def route_file(tmp_path, start_gateway):
    file = RouteFile(tmp_path / "routes.toml")
    file.gateway = start_gateway(routes_file=file.path, web_processes=2)
    until(lambda: len(file.workers()) == 2, 60)
    return file


def keep_asking(gateway, path, stopped, statuses):
    wire = gateway.connect()
    while not stopped.is_set():
        reply = wire.send(get(path)).message()
        statuses.append(reply and reply.status)
    wire.close()


def test_reloads_under_load_cost_no_request_and_a_bad_file_changes_nothing(route_file):
    stopped, statuses = threading.Event(), []
    load = [
        threading.Thread(target=keep_asking, args=(route_file.gateway, "/kept", stopped, statuses))
        for _ in range(CLIENTS)
    ]
    for thread in load:
        thread.start()
    workers = route_file.workers()
    for number in range(4):
        route_file.write("/kept", f"/new/{number}")
        route_file.reload()
        assert all(route_file.leads(f"/new/{number}") for _ in range(CLIENTS))
        route_file.path.write_text(route_file.path.read_text().replace('policy = "public"\n', "", 1))
        route_file.reload(good=False)
        assert route_file.leads(f"/new/{number}")
    seen = len(statuses)
    until(lambda: len(statuses) > seen + CLIENTS, 60)
    stopped.set()
    for thread in load:
        thread.join()
    assert set(statuses) == {200}
    assert route_file.workers() == workers
    assert route_file.told()[-1] == "route file refused: line 1, route 1 (/kept): policy is missing"
    assert route_file.told().count("route file read again: 2 routes") == 4 * 3


def test_a_process_that_takes_the_place_of_one_that_died_has_the_newest_good_file(route_file):
    route_file.write("/kept", "/new")
    route_file.reload()
    route_file.path.write_text("[[route")
    route_file.reload(good=False)
    for died in route_file.workers():
        os.kill(died, signal.SIGKILL)
        until(lambda died=died: died not in route_file.workers() and len(route_file.workers()) == 2, 60)
    assert all(route_file.leads("/new") for _ in range(CLIENTS))


def test_the_processes_below_do_not_end_when_all_are_told(route_file):
    workers = route_file.workers()
    for each in workers:
        os.kill(each, signal.SIGHUP)
    route_file.write("/other")
    route_file.reload()
    assert route_file.leads("/other") and not route_file.leads("/kept")
    assert route_file.workers() == workers


def test_a_gateway_does_not_start_with_a_bad_file_and_says_where(tmp_path, start_gateway):
    broken = tmp_path / "routes.toml"
    broken.write_text(ROUTE.format(path="/a") + ROUTE.format(path="/b").replace("public", "all"))
    with pytest.raises(
        AssertionError, match=r"route file refused: line 10, route 2 \(/b\): policy cannot be"
    ):
        start_gateway(routes_file=broken)
