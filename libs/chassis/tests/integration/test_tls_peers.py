"""TLS to a peer and to the broker: who is believed, who is not, and new certificates meanwhile."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager

import pytest
import serving

from chassis import context
from chassis.authority import Authority
from chassis.broker import Broker
from chassis.certificates import TlsFiles
from chassis.context import RequestContext
from chassis.peers import Peer, PeerUnavailable
from chassis.settings import EXIT_CONFIG
from chassis.stopping import Stop
from chassis.testing import servers
from chassis.testing.keys import Keys
from chassis.testing.waiting import until
from chassis.tls import Credentials

FILES = {"certificate": "tls.crt", "key": "tls.key", "authority": "ca.crt"}


@pytest.fixture(scope="module")
def authority():
    return Authority.make()


def credentials(authority, folder, *names):
    """Return credentials that look at their files at every occasion."""
    authority.issue(folder, names)
    files = TlsFiles(*(folder / name for name in FILES.values()), "SHELVES_")
    return Credentials(files, monotonic=itertools.count().__next__)


@pytest.fixture(scope="module")
def boxes(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    authority.issue(folder / "boxes", ["boxes"])
    told = {f"tls_{kind}_file": folder / "boxes" / name for kind, name in FILES.items()}
    with serving.running(folder, probes=True, **told) as it:
        yield it


def peer(server, tls, tmp_path, name="boxes"):
    address = f"https://127.0.0.1:{server.port}"
    return Peer(name, address, Keys(tmp_path, "shelves").signer("shelves"), tls=tls, attempts=1)


def test_a_peer_is_asked_by_its_certified_name(boxes, authority, tmp_path):
    ours = peer(boxes, credentials(authority, tmp_path / "own", "shelves"), tmp_path)
    with context.use(RequestContext()):
        assert [ours.call("GET", "/openapi.json").status for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("own", "name", "said"),
    [
        ("ours", "crates", "its certificate is refused: Hostname mismatch"),
        ("foreign", "boxes", "(SHELVES_TLS_AUTHORITY_FILE)"),
    ],
)
def test_a_peer_with_another_name_or_authority_is_not_asked(
    boxes, authority, tmp_path, caplog, own, name, said
):
    signed_by = authority if own == "ours" else Authority.make()
    ours = peer(boxes, credentials(signed_by, tmp_path / "own", "shelves"), tmp_path, name)
    with context.use(RequestContext()), pytest.raises(PeerUnavailable):
        ours.call("GET", "/openapi.json")
    (line,) = [each for each in caplog.records if each.message == "no connection to peer"]
    assert said in line.cause and line.peer == name


class SecuredNats(servers.NatsServer):
    """A broker whose clients must show a certificate, before the first byte of its protocol."""

    def _argv(self):
        keys = ", ".join(f'{kind}: "{self.folder}/nats/{name}"' for kind, name in NATS_FILES.items())
        (self.folder / "nats.conf").write_text(f"tls {{ {keys}, verify: true, handshake_first: true }}\n")
        return [*super()._argv(), "-c", str(self.folder / "nats.conf")]


NATS_FILES = {"cert_file": "tls.crt", "key_file": "tls.key", "ca_file": "ca.crt"}


@contextmanager
def secured_nats(authority, folder):
    folder.mkdir()
    authority.issue(folder / "nats", ["nats", "127.0.0.1"])
    server = SecuredNats(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def connecting(url, tls):
    broker, stop = Broker(url, "test", tls=tls), Stop()
    running = asyncio.create_task(broker.run(stop))
    yield broker
    stop.ask()
    await running
    await broker.close()


def test_the_broker_is_reached_with_a_certificate_and_again_with_a_newer_one(authority, tmp_path):
    own = credentials(authority, tmp_path / "own", "shelves")

    async def walk(server):
        async with connecting(server.url.replace("nats:", "tls:"), own) as broker:
            await asyncio.to_thread(until, lambda: broker.connected)
            authority.issue(tmp_path / "own", ["shelves"])
            server.stop()
            server.start()
            await asyncio.to_thread(until, lambda: broker.connected and broker.session == 2)
            assert own.generation == 2

    with secured_nats(authority, tmp_path / "server") as server:
        asyncio.run(walk(server))


def test_a_broker_that_is_plain_or_of_another_authority_is_not_spoken_to(
    authority, tmp_path, nats_server, caplog
):
    own = credentials(authority, tmp_path / "own", "shelves")

    async def walk(url):
        async with connecting(url, own) as broker:
            await asyncio.to_thread(until, lambda: "no connection to the broker" in caplog.text)
            assert not broker.connected

    asyncio.run(walk(nats_server.url))
    caplog.clear()
    own = credentials(authority, tmp_path / "own", "shelves")
    with secured_nats(Authority.make(), tmp_path / "server") as server:
        asyncio.run(walk(server.url))
    assert "SHELVES_TLS_AUTHORITY_FILE" in "".join(getattr(each, "cause", "") for each in caplog.records)


def test_a_broker_refuses_who_is_plain_or_has_another_certificate(authority, tmp_path):
    stranger = credentials(Authority.make(), tmp_path / "own", "shelves")
    (tmp_path / "own" / "ca.crt").write_bytes(authority.pem)
    stranger = Credentials(stranger.files)

    async def walk(url):
        for tls in (None, stranger):
            async with connecting(url, tls) as broker:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        while not broker.connected:
                            await asyncio.sleep(0.01)

    with secured_nats(authority, tmp_path / "server") as server:
        asyncio.run(walk(server.url))


def test_an_instance_under_tls_is_registered_with_a_broker_under_tls(authority, boxes, tmp_path):
    authority.issue(tmp_path / "own", ["boxes"])
    told = {f"TLS_{kind.upper()}_FILE": str(tmp_path / "own" / name) for kind, name in FILES.items()}
    url = f"https://127.0.0.1:{boxes.port}"
    with secured_nats(authority, tmp_path / "server") as server:
        command = [sys.executable, "-m", "chassis.registry", "--nats-url", server.url]
        announced = subprocess.Popen(
            [*command, "announce", "--service", "boxes", "--url", url], env=os.environ | told
        )

        def listed():
            ran = subprocess.run([*command, "list"], env=os.environ | told, capture_output=True, timeout=20)
            return json.dumps({"boxes": [url]}).encode() in ran.stdout

        try:
            until(listed, 30)
        finally:
            announced.terminate()
            assert announced.wait(10) == 0
    refused = subprocess.run(
        [*command, "list"], env=os.environ | told | {"TLS_KEY_FILE": ""}, capture_output=True
    )
    assert refused.returncode == EXIT_CONFIG and b"TLS_KEY_FILE" in refused.stdout
