"""More requests than a service can do: some are refused at once, the others answered nearly as soon as ever."""

import time
from itertools import count

import gevent
import gevent.pool
import gevent.socket
import pytest
from bounded import BoundedService
from serving import get_new

CAPACITY, SECONDS = 32, 0.3
FULL = CAPACITY / SECONDS


@pytest.fixture
def bounded():
    service = BoundedService(capacity=CAPACITY, seconds=SECONDS)
    yield service
    service.stop()


def ask(port, told):
    """Send one request; put when it began, its status, how long it took, and its Retry-After among what is told."""
    began = time.monotonic()
    with gevent.socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(get_new("Connection: close").encode())
        reply = b"".join(iter(lambda: sock.recv(65536), b""))
    told.append((began, int(reply[9:12]), time.monotonic() - began, b"retry-after: " in reply.lower()))


def load(port, rate, seconds):
    """Send so many requests a second, whatever becomes of them; return what each was told."""
    told, pool, began = [], gevent.pool.Pool(), time.monotonic()
    for number in count():
        pause = began + number / rate - time.monotonic()
        if number / rate > seconds:
            break
        if pause > 0:
            gevent.sleep(pause)
        pool.spawn(ask, port, told)
    pool.join()
    return told


def percentile(times, share):
    return sorted(times)[int(len(times) * share)]


def test_what_is_let_in_is_answered_in_time_and_the_rest_at_once(start_gateway, bounded):
    gateway = start_gateway(orders_url=bounded.url, upstream_connections=256)
    normal = load(gateway.port, FULL / 2, 4)
    assert {status for _, status, _, _ in normal} == {200}
    usual = percentile([seconds for _, _, seconds, _ in normal], 0.9)
    began = time.monotonic()
    loaded = load(gateway.port, FULL * 2.5, 11)
    settled = [each for each in loaded if each[0] > began + 7]
    served = [seconds for _, status, seconds, _ in settled if status == 200]
    refused = [seconds for _, status, seconds, _ in settled if status == 503]
    assert len(served) + len(refused) == len(settled)
    assert len(served) > 0.6 * 4 * FULL  # on a machine that has other things to do
    assert percentile(served, 0.9) < 3 * usual  # eight times without a limit
    assert percentile(refused, 0.5) < usual / 2
    assert all(retry for _, status, _, retry in settled if status == 503)
    assert b'upstream_shed_total{service="orders"}' in gateway.page("/metrics").body
