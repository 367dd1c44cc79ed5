"""The end of the web process: nothing that was let in is lost, and it ends in time."""

import http.client
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import serving

from chassis.testing.waiting import until


@pytest.fixture(params=["gevent", "gthread"])
def running(request, tmp_path):
    def start(**settings):
        return serving.running(tmp_path, web_worker_class=request.param, **settings)

    return start


class Load:
    """Clients that ask again and again, half of them over new connections, until they are turned away."""

    def __init__(self, port: int, clients: int = 8) -> None:
        self.outcomes: Counter[str] = Counter()
        self.threads = [threading.Thread(target=self.ask, args=(port, n % 2 == 0)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, port: int, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while True:
            try:
                connection.connect() if connection.sock is None else None
            except ConnectionRefusedError:
                return
            except OSError as error:
                self.outcomes[f"connect: {error!r}"] += 1
                return
            try:
                connection.request("GET", "/slow/0.002")
                answer = connection.getresponse()
                self.outcomes["lost" if answer.read() != b"slow" else "answered"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.outcomes[f"lost: {error!r}"] += 1
                connection.close()
            if not keep:
                connection.close()

    def join(self) -> None:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


@pytest.mark.parametrize("linger", [0, 0.5])
def test_under_load_no_request_is_lost(running, linger):
    with running(shutdown_linger_seconds=linger) as server:
        load = Load(server.port)
        until(lambda: load.outcomes["answered"] > 200)
        server.terminate()
        load.join()
        assert server.process.wait(10) == 0
    assert set(load.outcomes) == {"answered"}


def test_while_it_lingers_it_is_unready_and_serves_on(running):
    with running(shutdown_linger_seconds=2) as server:
        server.terminate()
        until(lambda: server.get("/readyz").status == 503)
        answer = server.get("/livez")
        assert (answer.status, answer.headers["Connection"]) == (200, "close")
        assert server.process.wait(10) == 0


def test_a_request_in_hand_is_finished_and_an_idle_connection_is_closed(running):
    with running(web_processes=1) as server, server.connect() as idle, server.connect() as busy:
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        idle.recv(4096)
        busy.sendall(b"GET /slow/1.5 HTTP/1.1\r\nHost: a\r\n\r\n")
        server.terminate()
        assert serving.read_all(busy).endswith(b"slow")
        assert idle.recv(4096) == b""
        assert server.process.wait(10) == 0


def test_it_ends_in_time_whatever_is_in_hand(running):
    with running(shutdown_drain_seconds=1) as server, server.connect() as held, server.connect() as endless:
        held.sendall(b"GET /li")
        endless.sendall(b"GET /slow/60.0 HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: server.get("/livez").status == 200)
        server.terminate()
        began = time.monotonic()
        server.process.wait(10)
        assert time.monotonic() - began < 5
        assert any(line["message"] == "stopped with requests in hand" for line in server.lines())


def test_a_half_sent_request_may_still_be_completed(running):
    with running(web_processes=1) as server, server.connect() as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost:")
        server.terminate()
        until(lambda: refused(server))
        sock.sendall(b" a\r\n\r\n")
        assert serving.read_all(sock).endswith(b'{"status":"alive"}')


def refused(server) -> bool:
    try:
        server.connect(0.05).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def test_workers_do_not_outlive_their_parent(running):
    with running() as server:
        workers = until(lambda: len(server.workers()) == 2 and server.workers())
        server.process.kill()
        until(lambda: not any(alive(pid) for pid in workers), timeout_seconds=8)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
