"""The example service really started under gunicorn, for the tests that need the whole process."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chassis.testing.keys import Keys
from chassis.testing.waiting import until

TESTS = Path(__file__).parent


@dataclass
class Server:
    """A running gunicorn, its port and where its lines go."""

    process: subprocess.Popen
    port: int
    output: Path
    probe_port: int = 0  # where TLS keeps probes from the other

    def connect(self, timeout_seconds: float = 5) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_seconds)

    def get(self, path: str, method: str = "GET", **options) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.probe_port or self.port, timeout=10)
        connection.request(method, path, **options)
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def exchange(self, data: bytes) -> bytes:
        """Send some bytes and return all that comes back until the server closes."""
        with self.connect() as sock:
            sock.sendall(data)
            return read_all(sock)

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def workers(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]


def read_all(sock: socket.socket) -> bytes:
    pieces = []
    while piece := sock.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextmanager
def running(folder: Path, *, probes: bool = False, **settings: object) -> Iterator[Server]:
    """Start the example with settings of its own (`BOXES_` is added), on request with an address for probes, and wait
    until it is alive."""
    port, output, keys = free_port(), folder / "output.log", Keys(folder, "boxes")
    probe_port = free_port() if probes else 0
    told = {
        "bind": f"127.0.0.1:{port}",
        "trust_bundle_file": keys.trust_bundle_file,
        "signing_key_file": keys.signing_key_file("boxes"),
        "probe_bind": f"127.0.0.1:{probe_port}" if probes else "",
        **settings,
    }
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TESTS), "TMPDIR": str(folder)}
    env["OTEL_EXPORTER_OTLP_ENDPOINT"] = str(told.pop("otlp_endpoint", ""))
    env |= {f"BOXES_{name.upper()}": str(value) for name, value in told.items()}
    argv = [sys.executable, "-m", "gunicorn", "-c", str(TESTS / "example_gunicorn.py"), "example_wsgi:app"]
    with output.open("wb") as out:
        process = subprocess.Popen(argv, env=env, cwd=TESTS, stdout=out, stderr=subprocess.STDOUT)
    server = Server(process, port, output, probe_port)
    try:
        until(lambda: answers(server), timeout_seconds=60, failing=output.read_text)
        yield server
    finally:
        process.kill() if process.poll() is None and not end(process) else None


def end(process: subprocess.Popen) -> bool:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        return False
    return True


def answers(server: Server) -> bool:
    if server.process.poll() is not None:
        raise AssertionError(f"gunicorn ended: {server.output.read_text()}")
    try:
        return server.get("/livez").status == 200
    except OSError:
        return False
