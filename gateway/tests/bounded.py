"""A service under gunicorn that does so many requests at a time, each in so many seconds; further ones wait."""

import os
import subprocess
import sys
import time
from pathlib import Path

import gevent
from gevent.lock import BoundedSemaphore
from serving import free_port, socket

from chassis.testing.waiting import until

_places = BoundedSemaphore(int(os.environ.get("BOUNDED_CAPACITY", "100")))
_seconds = float(os.environ.get("BOUNDED_SECONDS", "0"))


def app(environ, start_response):
    if environ["PATH_INFO"] != "/readyz":
        with _places:
            gevent.sleep(_seconds)
    start_response("200 OK", [("Content-Length", "2"), ("Content-Type", "text/plain")])
    return [b"ok"]


class BoundedService:
    """The process; `port` is where it listens."""

    def __init__(self, *, capacity=100, seconds=0.0):
        self.port = free_port()
        options = (
            "-k gevent -w 1 --log-level warning --worker-connections 2000 --keep-alive 75 --no-control-socket"
        )
        environment = os.environ | {"BOUNDED_CAPACITY": str(capacity), "BOUNDED_SECONDS": str(seconds)}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                *options.split(),
                "-b",
                f"127.0.0.1:{self.port}",
                "bounded:app",
            ],
            cwd=Path(__file__).parent,
            env=environment,
        )
        until(self.answers, 20)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def signal(self, number):
        """Send a signal to gunicorn and its worker."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, number)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def seconds_of(call):
    """Return what a call returns, and how long it took."""
    began = time.monotonic()
    return call(), time.monotonic() - began
