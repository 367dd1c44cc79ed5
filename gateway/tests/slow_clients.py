"""A hundred clients that send or read a byte now and then, and how long everybody else waits beside them.

Usage: .venv/bin/python tests/slow_clients.py [ROUNDS] prints the 99th percentile without and beside each kind.
"""

import contextlib
import statistics
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from issuing import Issuer
from serving import Gateway, Service, get, whole

PROBE = get("/api/v1/products/TEA-1")
MANY = 100
LARGE = b"a" * 1_000_000
PATIENT = {"header_timeout_seconds": 60, "body_timeout_seconds": 60, "write_timeout_seconds": 60}
PATIENT |= {"upstream_connections": 256}  # an answer as large as that holds a place for as long as it is read
PATIENT |= {"request_deadline_seconds": 60, "rate_exempt": "127.0.0.1"}


def send_a_byte(wire):
    wire.send("a")


def read_a_little(wire):
    wire.sock.recv(512)


# What each of them begins with, and goes on with.
KINDS = {
    "header": (lambda number: f"{PROBE[:-2]}X-Slow: ", send_a_byte),
    "body": (lambda number: get("/api/v1/users", "Content-Length: 60000", method="POST"), send_a_byte),
    "reader": (lambda number: get(f"/api/v1/products/LARGE-{number}"), read_a_little),
}


def answer(wire, request):
    wire.send(whole(body=LARGE if "LARGE" in request.target else b"ok"))


def begin(gateway, kind):
    first, _ = KINDS[kind]
    return [gateway.connect(window_bytes=4096).send(first(number)) for number in range(MANY)]


def waits(gateway, count, meanwhile=()):
    """Return how long each of so many requests took, in seconds; one slow client stirs between each two of them."""
    wire, taken, slow = gateway.connect(), [], cycle(meanwhile) if meanwhile else None
    for _ in range(count):
        began = time.perf_counter()
        assert wire.send(PROBE).message().status == 200
        taken.append(time.perf_counter() - began)
        if slow is not None:
            stir, client = next(slow)
            stir(client)
    wire.close()
    return taken


def compare(gateway, kind, rounds, count):
    """Return the waits without and beside slow clients, a list for each round; the rounds alternate."""
    alone, beside = [], []
    waits(gateway, count)
    for _ in range(rounds):
        alone.append(waits(gateway, count))
        clients = begin(gateway, kind)
        waits(gateway, MANY // 5)  # until all have begun
        beside.append(waits(gateway, count, [(KINDS[kind][1], client) for client in clients]))
        for client in clients:
            client.close()
    return alone, beside


def percentile_99(taken):
    return statistics.quantiles(taken, n=100)[98]


@contextlib.contextmanager
def patient_gateway(folder, issuer):
    """Start a gateway that lets them be slow, before services that answer at once."""
    keys = Service(lambda wire, request: wire.send(whole(body=issuer.jwks())))
    services = {name: Service(answer) for name in ("users", "orders", "payments")}
    gateway = Gateway(folder, services, jwks_url=keys.url, **PATIENT)
    try:
        yield gateway
    finally:
        gateway.stop()
        for service in (keys, *services.values()):
            service.stop()


def main():
    rounds = int(sys.argv[1]) if sys.argv[1:] else 20
    with tempfile.TemporaryDirectory() as folder, patient_gateway(Path(folder), Issuer()) as gateway:
        for kind in KINDS:
            alone, beside = compare(gateway, kind, rounds, 500)
            medians = [statistics.median(map(percentile_99, each)) * 1000 for each in (alone, beside)]
            ratio = medians[1] / medians[0]
            sys.stdout.write(
                f"{kind:<8} p99 {medians[0]:.2f} ms, beside {MANY}: {medians[1]:.2f} ms, {ratio:.2f}\n"
            )


if __name__ == "__main__":
    main()
