"""The service's commands as processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from chassis.testing.waiting import until
from orders.settings import PREFIX, Settings

SERVICE = Path(__file__).parents[1]
WEB = ("gunicorn", "-c", "gunicorn.conf.py", "orders.wsgi:app")
WORKER = ("orders.worker",)


def free_address() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{sock.getsockname()[1]}"


def environment(settings: Settings) -> dict[str, str]:
    """The variables that make these settings."""
    told = {each.name: getattr(settings, each.name) for each in fields(settings)}
    shown = {name: value.reveal() if hasattr(value, "reveal") else str(value) for name, value in told.items()}
    return os.environ | {f"{PREFIX}{name.upper()}": value for name, value in shown.items()}


def is_ready(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"http://{address}/readyz", timeout=1).status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running(
    command: tuple[str, ...], settings: Settings, address: str, log: Path
) -> Iterator[subprocess.Popen]:
    """Run a module until the block ends, and see it end in order."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=SERVICE,
            env=environment(settings),
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: is_ready(address), timeout_seconds=20, failing=log.read_text)
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait()
