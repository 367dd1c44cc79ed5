"""A real service behind the gateway: what reached it, and how its framework understood that."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from serving import Gateway, Service, free_port, get, whole

from chassis.testing.keys import Keys
from chassis.testing.waiting import until

TESTS = Path(__file__).parent
ROUTES = TESTS.parent / "src" / "gateway" / "routes.toml"
OWN_QUESTIONS = {"/readyz", "/internal/revocations", "/openapi.json"}
WORKERS = {
    "chassis": ["-c", str(TESTS / "witness_gunicorn.py")],
    "gthread": ["-k", "gthread", "--threads", "16", "--keep-alive", "75"],
}


class Witness:
    """One gunicorn with the witness's app; `worker` is the chassis' or one of gunicorn's own."""

    def __init__(self, folder, worker="chassis", routes=ROUTES):
        self.record = folder / f"{worker}.seen"
        self.record.touch()
        self.port, self._read = free_port(), 0
        own = {"BIND": f"127.0.0.1:{self.port}", "WEB_PROCESSES": "1", "SHUTDOWN_DRAIN_SECONDS": "1"}
        (folder / f"{worker}-keys").mkdir()
        keys = Keys(folder / f"{worker}-keys", "witness")
        own |= {"TRUST_BUNDLE_FILE": str(keys.trust_bundle_file)}
        own |= {"SIGNING_KEY_FILE": str(keys.signing_key_file("witness"))}
        own |= {"RECORD": str(self.record), "ROUTES": str(routes)}
        argv = ["-b", f"127.0.0.1:{self.port}", *WORKERS[worker], "witness_wsgi:app"]
        self.log = folder / f"{worker}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *argv],
                cwd=TESTS,
                env=os.environ | {f"WITNESS_{name}": value for name, value in own.items()},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True

    def seen(self):
        """Return what has reached it since the last call, but for what the gateway asks on its own account."""
        with self.record.open() as record:
            record.seek(self._read)
            told = [json.loads(line) for line in record.read().splitlines()]
            self._read = record.tell()
        return [
            each for each in told if each["path"] not in OWN_QUESTIONS or "X_FORWARDED_FOR" in each["fields"]
        ]

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)  # at once: nothing is in hand
        self.process.wait(15)


@contextlib.contextmanager
def gateway_before(folder, issuer, *, worker="chassis", routes=ROUTES, **settings):
    """Start a witness as all services and a gateway before it; gives both."""
    keys = Service(lambda wire, request: wire.send(whole(body=issuer.jwks())))
    witness = Witness(folder, worker, routes)
    until(witness.ready, 60, witness.log.read_text)
    everything = dict.fromkeys(("users", "orders", "payments"), witness)
    own = {"jwks_url": keys.url, "routes_file": routes, "rate_exempt": "127.0.0.1"}
    gateway = Gateway(folder, everything, **(own | settings))
    try:
        yield gateway, witness
    finally:
        gateway.stop()
        witness.stop()
        keys.stop()


def mark(gateway, witness):
    """Send a request nobody could mistake, behind whatever went before, and return what reached the witness since."""
    target = f"/api/v1/products/MARK-{os.urandom(4).hex()}"
    reply = gateway.ask(get(target))
    assert json.loads(reply.body)["target"] == target, "the answer to another request"
    seen = witness.seen()
    assert seen.pop()["target"] == target, seen
    return seen
