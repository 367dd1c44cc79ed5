"""A live sandbox process, the official library pointed at it, and a receiver of its webhooks."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import stripe

from chassis.testing.waiting import until as until_true

API_KEY = "sk_test_souk"
WEBHOOK_SECRET = "whsec_souk"


class SandboxProcess:
    """One sandbox over one ledger; `kill` and `start` again as often as a test likes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ledger = folder / "ledger.sqlite"
        self.output = folder / "output"
        self.environ = {
            "SANDBOX_BIND": f"127.0.0.1:{self.port}",
            "SANDBOX_LEDGER_FILE": str(self.ledger),
            "SANDBOX_API_KEY": API_KEY,
            "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "SANDBOX_SETTLE_DELAY_SECONDS": "0.4",
            "SANDBOX_SLOW_SECONDS": "1",
            "SANDBOX_SILENT_SECONDS": "0.2",
        } | settings

    def start(self) -> None:
        command = [sys.executable, "-m", "sandbox"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=os.environ | self.environ, stdout=output, stderr=output, start_new_session=True
            )
        until_true(self.answers, timeout_seconds=60, failing=self.output.read_text)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def kill(self) -> None:
        """End every process of the sandbox at once, in the middle of whatever it does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def client(self, max_network_retries: int = 0, timeout_seconds: float = 10) -> stripe.StripeClient:
        """Return the official library, as the payments service uses it."""
        return stripe.StripeClient(
            API_KEY,
            base_addresses={"api": self.url},
            max_network_retries=max_network_retries,
            http_client=stripe.RequestsClient(timeout=timeout_seconds),
        )

    def post(self, path: str, key: str | None = None, **form: object) -> requests.Response:
        """Post a form without the library, to see the bare answer."""
        return requests.post(
            self.url + path,
            data=form,
            auth=(API_KEY, ""),
            headers={"Idempotency-Key": key} if key else {},
            timeout=10,
        )


@dataclass
class Receiver:
    """An endpoint for webhooks that keeps what it was sent and answers `status`."""

    status: int = 200
    url: str = ""
    received: list[tuple[bytes, str]] = field(default_factory=list)

    def events(self, event_type: str) -> list[stripe.Event]:
        """Verify every signature and return the events of one type."""
        opened = [stripe.Webhook.construct_event(*each, WEBHOOK_SECRET) for each in self.received]
        return [event for event in opened if event.type == event_type]


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[Callable[..., SandboxProcess]]:
    """Start a sandbox of one's own, with settings."""
    started: list[SandboxProcess] = []

    def make(**settings: str) -> SandboxProcess:
        made = SandboxProcess(tmp_path, **settings)
        started.append(made)
        made.start()
        return made

    yield make
    for each in started:
        each.kill()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One sandbox for all tests that do not mind each other."""
    shared = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    shared.start()
    yield shared
    shared.kill()


@pytest.fixture(scope="session")
def client(sandbox: SandboxProcess) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # the sender was killed in the middle
            kept.received.append((body, self.headers["Stripe-Signature"]))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: pytest shows what was received."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hooks"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def until() -> Callable[..., object]:
    """Poll with a deadline that a busy machine meets too."""
    return partial(until_true, timeout_seconds=30)


@pytest.fixture(scope="session")
def paying() -> Callable[..., dict]:
    """The parameters of a payment; a test says what is special about its own."""

    def parameters(method: str = "pm_card_visa", **special: object) -> dict:
        return {
            "amount": 1999,
            "currency": "eur",
            "confirm": True,
            "payment_method": method,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"order_id": "o-1"},
        } | special

    return parameters
