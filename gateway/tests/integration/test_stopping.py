"""The end of a gateway: readiness first, then no new connections, then what is in hand, and nothing lost."""

import socket
import subprocess
import sys
import threading

import pytest
from serving import SERVICE, get, whole

PUBLIC = "/api/v1/products/TEA-1"


class Shopper(threading.Thread):
    """Asks again and again, on a new connection where the last one was ended, until nobody lets it in."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway = gateway
        self.answered = 0
        self.lost = []
        self.start()

    def run(self):
        wire = None
        while True:
            try:
                wire = wire or self.gateway.connect()
            except OSError:
                return
            try:
                reply = wire.send(get(PUBLIC)).message()
            except OSError as failure:
                self.lost.append(repr(failure))
                return
            if reply is None or reply.status != 200:
                self.lost.append(reply)
                return
            self.answered += 1
            if dict(reply.fields).get("connection") == "close":
                wire.close()
                wire = None


def test_a_stop_under_load_loses_nothing(start_gateway, orders, until):
    orders.reset()
    gateway = start_gateway(web_processes=2, shutdown_linger_seconds=0.3)
    shoppers = [Shopper(gateway) for _ in range(16)]
    until(lambda: all(shopper.answered > 20 for shopper in shoppers), 20)
    before = sum(shopper.answered for shopper in shoppers)
    gateway.terminate()
    for shopper in shoppers:
        shopper.join(20)
    assert [shopper.lost for shopper in shoppers] == [[]] * 16
    assert sum(shopper.answered for shopper in shoppers) > before
    assert gateway.process.wait(20) == 0


def test_another_gateway_takes_over_its_port_under_load(start_gateway, orders, until):
    orders.reset()
    first = start_gateway(share_port=True, shutdown_linger_seconds=0.3)
    shoppers = [Shopper(first) for _ in range(16)]
    until(lambda: all(shopper.answered > 20 for shopper in shoppers), 20)
    second = start_gateway(share_port=True, bind=f"127.0.0.1:{first.port}")
    first.terminate()
    assert first.process.wait(20) == 0
    before = [shopper.answered for shopper in shoppers]
    until(
        lambda: all(shopper.answered > count + 20 for shopper, count in zip(shoppers, before, strict=True)),
        20,
    )
    second.terminate()
    for shopper in shoppers:
        shopper.join(20)
    assert [shopper.lost for shopper in shoppers] == [[]] * 16


def test_a_port_is_not_shared_unasked(start_gateway):
    alone = start_gateway()
    with socket.socket() as another:
        another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            another.bind(("127.0.0.1", alone.port))


def test_readiness_goes_first_and_the_service_goes_on(start_gateway, orders, until):
    orders.reset()
    gateway = start_gateway(shutdown_linger_seconds=3)
    gateway.terminate()
    until(lambda: gateway.page("/readyz").status == 503, 2.5)
    reply = gateway.ask(get(PUBLIC))
    assert reply.status == 200 and reply["connection"] == "close"


def test_a_request_in_hand_is_finished(start_gateway, orders, until):
    orders.reset()
    free = threading.Event()
    orders.answer = lambda wire, request: (free.wait(30), wire.send(whole()))
    gateway = start_gateway()
    wire = gateway.connect().send(get(PUBLIC))
    until(lambda: orders.requests)
    gateway.terminate()
    until(lambda: _refused(gateway))
    free.set()
    reply = wire.message()
    assert reply.status == 200 and reply["connection"] == "close"
    wire.close()


def test_an_idle_connection_does_not_keep_it(start_gateway, orders):
    orders.reset()
    gateway = start_gateway(shutdown_drain_seconds=60, idle_timeout_seconds=60)
    wire = gateway.connect()
    assert wire.send(get(PUBLIC)).message().status == 200
    gateway.terminate()
    assert wire.ended()
    assert gateway.process.wait(30) == 0


def test_a_request_without_end_does_not_keep_it(start_gateway, orders, until):
    orders.reset()
    orders.answer = lambda wire, request: None
    gateway = start_gateway(shutdown_drain_seconds=0.5, request_deadline_seconds=60)
    wire = gateway.connect().send(get(PUBLIC))
    until(lambda: orders.requests)
    gateway.terminate()
    assert gateway.process.wait(30) == 0
    wire.close()


@pytest.mark.parametrize("routes", ['[[route]]\npath = "/a"\nmethods = ["GET"]\nupstream = "users"\n', None])
def test_what_cannot_be_used_is_told_and_nothing_starts(tmp_path, gateway_process, routes):
    environment = {"PATH": "/usr/bin:/bin"}
    if routes is not None:
        (tmp_path / "routes.toml").write_text(routes)
        environment |= {"GATEWAY_ROUTES_FILE": str(tmp_path / "routes.toml")} | {
            f"GATEWAY_{name}": value
            for name, value in {
                "USERS_URL": "http://127.0.0.1:1",
                "ORDERS_URL": "http://127.0.0.1:1",
                "PAYMENTS_URL": "http://127.0.0.1:1",
                "TOKEN_ISSUER": "http://souk.test",
                "SIGNING_KEY_FILE": str(gateway_process.key),
                "TRUST_BUNDLE_FILE": str(gateway_process.bundle),
            }.items()
        }
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway.wsgi:app"],
        cwd=SERVICE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 78
    assert ("policy is missing" if routes else "GATEWAY_USERS_URL") in ended.stdout


def _refused(gateway):
    try:
        gateway.connect().close()
    except OSError:
        return True
    return False
