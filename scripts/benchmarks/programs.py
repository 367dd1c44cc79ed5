"""Programs that are started for a measurement, waited for, and ended with all their children."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stack.ports import choose

READY_SECONDS = 20
STOP_SECONDS = 10


class NotStarted(Exception):
    """A program does not listen; holds the end of what it said."""


def free_port() -> int:
    return choose(["one"])["one"]


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], port: int, log: Path, folder: Path, environment: Mapping[str, str] = {}
) -> Iterator[None]:
    """Run a server for a block, from when it listens on its port.

    Raises NotStarted.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SECONDS")}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until_listening(process, port, log)
        yield
    finally:
        end(process)


def until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until somebody listens on a port. Raises NotStarted."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            end_of_log = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
            raise NotStarted(f"{log.stem} does not listen on its port: {end_of_log}")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program, by force if it takes its time, and whatever it started (all of its session's group)."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
