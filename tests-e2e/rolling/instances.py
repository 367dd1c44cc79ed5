"""Instances: processes that run beside each other and beside those of supervisord, and are told to stop politely."""

import itertools
import os
import shlex
import signal
import socket
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

from shop import until

from rolling.releases import Release

READY_SECONDS = 120
STOP_SECONDS = 120
# Below the range in which scripts/stack looks for ports.
LOWEST = 18000

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_given = itertools.count(LOWEST + os.getpid() % 1000)


def free_port() -> int:
    """Return a port nobody listens on, and that is not given out twice."""
    for port in _given:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("ports do not end")


def variables(file: Path) -> dict[str, str]:
    """Return what a settings file of a stack says."""
    return dict(word.split("=", 1) for line in file.read_text().splitlines() for word in shlex.split(line))


class Instance:
    """One instance of a program, `orders` or `orders-worker`; `port` is where it says whether it is ready."""

    def __init__(
        self, state: Path, program: str, release: Release, settings: dict[str, str], port: int, number: int
    ) -> None:
        self.program = program
        self.release = release
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._settings = settings
        self._state = state
        self._log = state / "logs" / f"{program}-rolling-{number}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        service = self.program.removesuffix("-worker")
        python = self.release.python_of(service)
        worker = [str(python), "-m", f"{service}.worker"]
        web = [str(python), "-m", "gunicorn", "-c", "gunicorn.conf.py", f"{service}.wsgi:app"]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "1",
            "PYTHONPATH": self.release.source_path(service),
            "SOUK_SUPERVISED": str(self._state),  # so that the stack's end is its end too
            **self._settings,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                worker if self.program.endswith("-worker") else web,
                cwd=self.release.root / service,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self.is_ready, READY_SECONDS)

    def is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.program} has ended: {self._log.read_text()[-2000:]}"
        try:
            with _direct.open(f"{self.url}/readyz", timeout=2):
                return True
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """Tell it to stop, as a deploy does, and wait until it has."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        ended = self._process.wait(STOP_SECONDS)
        assert ended == 0, f"{self.program} ended with {ended}: {self._log.read_text()[-2000:]}"

    def end(self) -> None:
        """End it and all its children at once, if it runs."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
