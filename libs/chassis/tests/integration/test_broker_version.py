"""A broker that is too old for us, and streams that several servers keep."""

import asyncio
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import nats
import pytest
from serving import free_port
from side_by_side import running_tasks

from chassis import embedded
from chassis.broker import Broker, BrokerUnavailable, ensure_stream
from chassis.outbox import Relay
from chassis.stopping import Stop
from chassis.testing.waiting import until

SERVERS = 3


def server_of(version):
    """Return what serves as a NATS server of a version does at first."""

    async def serve(reader, writer):
        info = {"server_id": "old", "version": version, "proto": 1, "max_payload": 1048576, "headers": True}
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    return serve


async def greeted(version):
    """Connect to such a server; return what readiness then says."""
    server = await asyncio.start_server(server_of(version), "127.0.0.1", 0)
    broker, stop = Broker(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", "test"), Stop()
    running = asyncio.create_task(broker.run(stop))
    while not broker.session:
        await asyncio.sleep(0.01)
    try:
        broker.check()
        return "ready"
    except BrokerUnavailable as refused:
        assert not broker.connected
        with pytest.raises(BrokerUnavailable):
            broker.jetstream()
        return refused.detail
    finally:
        stop.ask()
        await running
        await broker.close()
        server.close()


@pytest.mark.parametrize("version", ["2.10.29", "2.11.0", "2.13.9"])
def test_a_server_that_is_too_old_is_refused_in_one_line(version, caplog):
    said = f"the broker is NATS {version}, and 2.14 or newer is needed"
    assert asyncio.run(asyncio.wait_for(greeted(version), 20)) == said
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == [said]


@pytest.mark.parametrize("version", ["2.14.0", "2.15.1", "3.0.0"])
def test_one_that_is_new_enough_is_taken(version):
    assert asyncio.run(asyncio.wait_for(greeted(version), 20)) == "ready"


@pytest.fixture
def cluster():
    """Three servers that keep streams together; gives the address of one."""
    folder = Path(tempfile.mkdtemp(prefix="souk-", dir="/tmp"))
    ports, routes = [free_port() for _ in range(SERVERS)], [free_port() for _ in range(SERVERS)]
    known = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
    servers = []
    for number in range(SERVERS):
        (folder / f"{number}.conf").write_text(
            f"server_name: s{number}\nlisten: 127.0.0.1:{ports[number]}\n"
            f"jetstream {{ store_dir: {folder}/{number} }}\n"
            f"cluster {{ name: souk, listen: 127.0.0.1:{routes[number]}, routes: [{known}] }}\n"
        )
        argv = [str(embedded.nats_server_program()), "-c", str(folder / f"{number}.conf")]
        servers.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    yield f"nats://127.0.0.1:{ports[0]}"
    for server in servers:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)


async def copies(url, **options):
    """Make a stream and return how many servers keep it; 0 as long as there is no cluster."""
    client = await nats.connect(url)
    try:
        js = client.jetstream(timeout=2)
        await ensure_stream(js, "BOXES", "souk.boxes.>", 1, **options)
        cluster = (await js.stream_info("BOXES")).cluster
        return 1 + len(cluster.replicas or []) if cluster else 1
    except (nats.errors.Error, TimeoutError):
        return 0
    finally:
        await client.close()


def test_a_stream_is_kept_by_as_many_servers_as_are_asked_for(cluster):
    assert until(lambda: asyncio.run(copies(cluster, replicas=SERVERS)), 40) == SERVERS


def test_a_relay_makes_its_stream_for_the_servers_it_is_told(own_nats, database):
    with running_tasks(own_nats.url, Relay("boxes", database)) as broker:
        assert broker.replicas == 1
        assert until(lambda: asyncio.run(copies(own_nats.url))) == 1
