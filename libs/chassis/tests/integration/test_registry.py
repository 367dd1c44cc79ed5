"""The registry of instances: who serves is in it, as long as its heart beats."""

import asyncio
import http.server
import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from chassis.broker import Broker
from chassis.registry import STREAM, Registry
from chassis.stopping import Stop
from chassis.testing.servers import NatsServer, running

A, B = "http://10.0.0.1:8000", "http://10.0.0.2:8000"


@pytest.fixture(scope="module")
def nats():
    with running(NatsServer) as server:
        yield server


@pytest.fixture
def registered(nats):
    """Call a coroutine function with a Registry on a fresh bucket."""

    def call(work, ttl_seconds=60.0):
        async def connected():
            broker, stop = Broker(nats.url, client_name="test"), Stop()
            connection = asyncio.create_task(broker.run(stop))
            while not broker.connected:
                await asyncio.sleep(0.01)
            try:
                return await work(Registry(broker, ttl_seconds=ttl_seconds))
            finally:
                await broker.jetstream().delete_stream(STREAM)
                stop.ask()
                await connection
                await broker.close()

        return asyncio.run(connected())

    return call


def test_who_registers_is_listed_and_who_leaves_is_not(registered):
    async def work(registry):
        await registry.register("boxes", B)
        for _ in range(2):
            await registry.register("boxes", A)
        await registry.register("lids", A)
        both = await registry.list()
        await registry.deregister("boxes", A)
        await registry.deregister("boxes", "http://nobody:1")
        return both, await registry.list()

    assert registered(work) == ({"boxes": [A, B], "lids": [A]}, {"boxes": [B], "lids": [A]})


def test_whose_heart_stops_is_gone_after_the_ttl(registered):
    async def work(registry):
        await registry.register("boxes", A)
        await registry.register("boxes", B)
        while "boxes" in await registry.list():
            await registry.register("boxes", A)
            if await registry.list() == {"boxes": [A]}:
                return True

    assert registered(lambda registry: asyncio.wait_for(work(registry), 15), ttl_seconds=1.0)


def test_a_watch_tells_each_change_and_begins_with_what_is_known(registered):
    async def work(registry):
        stop, seen = Stop(), []
        async for instances in registry.watch(stop, {"boxes": [B]}):
            seen.append(instances)
            if len(seen) == 1:
                await registry.register("boxes", A)
            else:
                stop.ask()
        return seen

    assert registered(work) == [{"boxes": [B]}, {"boxes": [A, B]}]


class Shelf(http.server.BaseHTTPRequestHandler):
    """A service that says whether it is ready."""

    def do_GET(self):
        self.send_response(self.server.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def shelf():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    server.status = 200
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def command(nats, *words):
    argv = [sys.executable, "-m", "chassis.registry", "--nats-url", nats.url, "--ttl-seconds", "2", *words]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def listed(path):
    return json.loads(path.read_text()) if path.exists() else None


def test_the_file_follows_who_is_ready_and_outlives_the_broker(shelf, tmp_path, until):
    path = tmp_path / "instances.json"
    announcing = ["announce", "--service", "boxes", "--url", shelf.url, "--beat-seconds", "0.2"]
    with running(NatsServer) as nats, command(nats, "follow", "--file", str(path)) as following:
        with command(nats, *announcing) as announced:
            until(lambda: listed(path) == {"boxes": [shelf.url]})
            shelf.status = 503
            until(lambda: listed(path) == {})
            shelf.status = 200
            until(lambda: listed(path) == {"boxes": [shelf.url]})
            nats.kill()
            nats.start()
            until(lambda: b'"boxes"' in ask(nats, "list"), 20)
            assert listed(path) == {"boxes": [shelf.url]}
            announced.send_signal(signal.SIGTERM)
            assert announced.wait(10) == 0
            until(lambda: listed(path) == {})
        following.send_signal(signal.SIGTERM)
        assert following.wait(10) == 0


def test_one_that_is_killed_leaves_the_file_when_its_time_is_up(shelf, nats, tmp_path, until):
    path = tmp_path / "instances.json"
    announcing = ["announce", "--service", "lids", "--url", shelf.url, "--beat-seconds", "0.2"]
    with command(nats, "follow", "--file", str(path)):
        with command(nats, *announcing):
            until(lambda: listed(path) == {"lids": [shelf.url]})
        until(lambda: listed(path) == {}, 20)


def ask(nats, *words):
    argv = [sys.executable, "-m", "chassis.registry", "--nats-url", nats.url, *words]
    return subprocess.run(argv, capture_output=True, timeout=20, check=False).stdout


def test_people_may_look_and_take_one_out(shelf, nats, until):
    with command(
        nats, "announce", "--service", "pans", "--url", shelf.url, "--beat-seconds", "0.2"
    ) as announced:
        until(lambda: shelf.url.encode() in ask(nats, "list"))
        announced.kill()
        announced.wait()
        assert b"pans" not in ask(nats, "deregister", "--service", "pans", "--url", shelf.url)
