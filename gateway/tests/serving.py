"""What the gateway stands between in these tests: services that misbehave on demand, and a client that sees bytes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from issuing import AUDIENCE, ISSUER

from chassis.assertions import generate_key
from chassis.testing.waiting import until

SERVICE = Path(__file__).parents[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Message:
    """One HTTP message: the words of its first line, its fields in order, its body."""

    line: list[str]
    fields: list[tuple[str, str]]
    body: bytes = b""

    @property
    def status(self):
        return int(self.line[1])

    @property
    def target(self):
        return self.line[1]

    def __getitem__(self, name):
        return dict(self.fields)[name]

    def all(self, name):
        return [value for each, value in self.fields if each == name]

    @property
    def problem(self):
        assert self["content-type"] == "application/problem+json"
        return json.loads(self.body)


def whole(status=200, body=b"ok", fields=""):
    """Return the bytes of an answer with a length."""
    return f"HTTP/1.1 {status} X\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Wire:
    """One end of a connection, read message by message."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(20)
        self.file = sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def message(self, *, bodiless=False):
        """Return the next message, None where the connection ends instead."""
        message = self.head()
        if message is not None and not bodiless:
            message.body = b"".join(self.body_of(message))
        return message

    def head(self):
        line = self.file.readline()
        if not line:
            return None
        fields = []
        while (raw := self.file.readline().decode("latin-1")) not in ("\r\n", ""):
            name, _, value = raw.partition(":")
            fields.append((name.lower(), value.strip()))
        return Message(line.decode("latin-1").split(" ", 2), fields)

    def body_of(self, message):
        names = dict(message.fields)
        if "chunked" in names.get("transfer-encoding", ""):
            while size := int(self.file.readline(), 16):
                yield self.file.read(size)
                self.file.readline()
            self.file.readline()
        elif "content-length" in names:
            left = int(names["content-length"])
            while left and (piece := self.file.read(min(left, 65536))):
                left -= len(piece)
                yield piece

    def ended(self):
        """Tell whether the other end closes without sending more."""
        with contextlib.suppress(ConnectionResetError):
            return self.file.read(1) == b""
        return True

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.file.close()
        self.sock.close()


@dataclass
class Service:
    """A service of raw sockets: `answer(wire, request)` is what it does with each request on a connection, `check` what
    it does when it is asked whether it is ready, `feed` when the gateway asks what was revoked, `document` when it asks
    what the service has; those three are not among `requests` and `connections`. `tls` is the context of its end."""

    answer: object = None
    check: object = None
    feed: object = None
    document: object = None
    port: int = 0
    tls: object = None
    requests: list[Message] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self):
        self.wires, self.open = set(), set()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                if self.tls is None:
                    self.take(Wire(client))
                else:
                    threading.Thread(target=self.greet, args=(client,), daemon=True).start()

    def greet(self, client):
        with contextlib.suppress(OSError):
            self.take(Wire(self.tls.wrap_socket(client, server_side=True)))

    def take(self, wire):
        self.wires.add(wire)
        self.open.add(wire)
        threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        with contextlib.suppress(OSError, ValueError):
            known = False
            while (request := wire.head()) is not None:
                if "/readyz" in request.line:
                    (self.check or ready)(wire, request)
                    continue
                if request.line[1:] and request.target.startswith("/internal/revocations"):
                    (self.feed or nothing_revoked)(wire, request)
                    continue
                if request.line[1:] and request.target == "/openapi.json":
                    (self.document or undescribed)(wire, request)
                    self.open.discard(wire)  # it is kept for the next such question
                    continue
                self.connections += not known
                known = True
                self.open.add(wire)
                self.requests.append(request)
                (self.answer or echo)(wire, request)
        wire.close()
        self.open.discard(wire)
        self.wires.discard(wire)

    def reset(self):
        self.answer = self.check = self.feed = self.document = None
        self.requests.clear()
        until(self.emptied)
        self.connections = 0

    def emptied(self):
        """Close what is open, which the gateway may just have opened, and tell whether nothing was."""
        for wire in list(self.open):
            wire.close()
        return not self.open

    def stop(self):
        with contextlib.suppress(OSError):  # it has been stopped
            self.listener.shutdown(socket.SHUT_RDWR)  # which alone ends a wait for a connection
        self.listener.close()
        for wire in list(self.wires):
            wire.close()
        self.reset()


def ready(wire, request):
    """Say that it is ready."""
    wire.send(whole(body=b'{"status":"ready"}'))


def echo(wire, request):
    """Answer with what was asked."""
    request.body = b"".join(wire.body_of(request))
    told = {"line": request.line, "fields": request.fields, "body": request.body.decode("latin-1")}
    wire.send(whole(body=json.dumps(told).encode(), fields="Content-Type: application/json\r\n"))


def nothing_revoked(wire, request):
    wire.send(whole(body=b'{"data": [], "next_cursor": "x", "more": false}'))


def undescribed(wire, request):
    wire.send(whole(404))


class Gateway:
    """The gateway under gunicorn, as it is deployed; further settings by their names without the prefix."""

    def __init__(self, folder, services, **settings):
        private, public = generate_key("gateway")
        self.key, self.bundle = folder / "gateway.jwk", folder / "bundle.json"
        self.key.write_text(json.dumps(private))
        self.bundle.write_text(json.dumps({"keys": [public]}))
        self.port, self.admin_port = free_port(), free_port()
        self.log = folder / "gateway.log"
        own = {
            "BIND": f"127.0.0.1:{self.port}",
            "ADMIN_BIND": f"127.0.0.1:{self.admin_port}",
            "SIGNING_KEY_FILE": str(self.key),
            "TRUST_BUNDLE_FILE": str(self.bundle),
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "WEB_PROCESSES": "1",
            **{f"{name.upper()}_URL": service.url for name, service in services.items()},
            "EJECTION_FAILURES": "1000",  # tests of failures follow each other
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": own.pop("OTLP_ENDPOINT", "")}
        environment |= {f"GATEWAY_{name}": value for name, value in own.items()}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway.wsgi:app"],
                cwd=SERVICE,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self.ready, 60, self.log.read_text)

    def ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(ConnectionRefusedError):
            return self.page("/readyz").status == 200

    def connect(self, *, window_bytes=None):
        client = socket.socket()
        if window_bytes is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window_bytes)
        client.connect(("127.0.0.1", self.port))
        return Wire(client)

    def ask(self, request):
        """Send one request on a connection of its own and return the reply."""
        wire = self.connect()
        try:
            return wire.send(request).message(bodiless=request.startswith("HEAD"))
        finally:
            wire.close()

    def page(self, path):
        wire = Wire(socket.create_connection(("127.0.0.1", self.admin_port)))
        try:
            return wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").message()
        finally:
            wire.close()

    def lines(self):
        """Return the log, line by line."""
        whole, _, _ = self.log.read_text().rpartition("\n")  # the last may still be being written
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process.poll() is None:
            self.terminate()
        assert self.process.wait(30) == 0


def get(path, *fields, method="GET"):
    """Return the text of a request without a body."""
    return "".join(f"{line}\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: souk.test", *fields, ""))


def post(path, body, *fields):
    """Return the text of a request with a body."""
    return get(path, f"Content-Length: {len(body)}", *fields, method="POST") + body


def get_new(*fields):
    """Return the text of a public request that no other is the same as: nothing kept can answer it."""
    return get(f"/api/v1/products/P-{uuid.uuid4().hex}", *fields)
