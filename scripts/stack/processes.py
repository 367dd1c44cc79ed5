"""The processes of a stack: supervisord started, asked and stopped, and what it left behind found again."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stack.places import Places

# Every process of a stack inherits this variable with the stack's state folder; nothing else sets it.
MARK = "SOUK_SUPERVISED"
# What of a person's environment goes on to the processes: where traces are sent, and how many.
TRACING = ("OTEL_", "GATEWAY_TRACE_SHARE")
# The groups of deploy/embedded/supervisord.conf, in the order they start.
GROUPS = ("engines", "services", "edge")
COMMAND_SECONDS = 60
CALL_TIMEOUT_SECONDS = 10
STOP_SECONDS = 60
TERMINATE_SECONDS = 15


class StartFailed(Exception):
    """The stack did not come up; says what is wrong and where to read more."""


@dataclass(frozen=True)
class Process:
    """One process as supervisord sees it; `started` and `now` are Unix seconds."""

    name: str
    group: str
    state: str
    pid: int
    started: int
    now: int

    @property
    def up_seconds(self) -> int:
        return self.now - self.started if self.pid else 0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("supervisor", timeout=CALL_TIMEOUT_SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self.path)


class Supervisor:
    """The supervisord of one stack, asked over its unix socket."""

    def __init__(self, places: Places) -> None:
        self.places = places
        transport = _Transport(str(places.sockets / "supervisor.sock"))
        self._call = xmlrpc.client.ServerProxy("http://supervisor/RPC2", transport).supervisor

    def is_running(self) -> bool:
        try:
            return self._call.getState()["statename"] == "RUNNING"
        except OSError:
            return False

    def processes(self) -> list[Process]:
        """List the processes in the order they start."""
        found = self._call.getAllProcessInfo()
        listed = [
            Process(one["name"], one["group"], one["statename"], one["pid"], one["start"], one["now"])
            for one in found
        ]
        return sorted(listed, key=lambda process: GROUPS.index(process.group))

    def start_group(self, group: str) -> None:
        """Start what is not running of a group, without waiting for it."""
        for process in self.processes():
            if process.group == group and process.state not in ("RUNNING", "STARTING", "BACKOFF"):
                self._call.startProcess(f"{group}:{process.name}", False)

    def stop_one(self, process: Process) -> None:
        """Stop a process and wait until it has ended.

        Raises StartFailed.
        """
        if process.pid:
            self._call.stopProcess(f"{process.group}:{process.name}", False)

        def ended() -> bool:
            return all(each.pid == 0 for each in self.processes() if each.name == process.name)

        until(ended, STOP_SECONDS, lambda: f"{process.name} does not end")

    def start_one(self, process: Process) -> None:
        """Start a process that does not run, without waiting for it."""
        if not process.pid:
            self._call.startProcess(f"{process.group}:{process.name}", False)

    def launch(self) -> None:
        """Start supervisord and with it the group of the engines.

        Raises StartFailed.
        """
        places = self.places
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TMPDIR": str(places.temporary),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "1",  # one heap a process: Python's threads take turns anyway
            "SOUK_ROOT": str(places.root),
            "SOUK_STATE": str(places.state),
            "SOUK_SOCKETS": str(places.sockets),
            "SOUK_BROKER": "nats-tls" if places.tls else "nats",
            MARK: str(places.state),
        } | {name: value for name, value in os.environ.items() if name.startswith(TRACING)}
        program = places.root / "scripts" / ".venv" / "bin" / "supervisord"
        command = [program, "-c", "deploy/embedded/supervisord.conf"]
        ran = subprocess.run(command, cwd=places.root, env=environment, capture_output=True, text=True)
        if ran.returncode:
            raise StartFailed(f"supervisord did not start: {ran.stderr.strip() or ran.stdout.strip()}")
        until(self.is_running, 10, lambda: f"supervisord does not answer; see {places.logs}/supervisord.log")

    def signal(self, name: str, number: str) -> None:
        """Send a process of a stack a signal."""
        self._call.signalProcess(name, number)

    def shut_down(self) -> None:
        """Stop every process in order, then supervisord; whatever it does not stop is left to `sweep`."""
        deadline = time.monotonic() + STOP_SECONDS
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline:
                with contextlib.suppress(xmlrpc.client.Fault):  # it is on its way already
                    self._call.shutdown()
                time.sleep(0.1)  # each call also makes it look for children that have ended


def run(command: Sequence[str], cwd: Path | None = None, standard_input: str = "") -> str:
    """Return what a command prints; it gets a minute.

    Raises StartFailed with all that the command said.
    """
    named = " ".join(command[-3:])
    try:
        ran = subprocess.run(
            command, cwd=cwd, input=standard_input, capture_output=True, text=True, timeout=COMMAND_SECONDS
        )
    except subprocess.TimeoutExpired as slow:
        raise StartFailed(f"{named} did not end in {COMMAND_SECONDS} s") from slow
    if ran.returncode:
        raise StartFailed(f"{named} failed:\n{ran.stdout}{ran.stderr}".rstrip())
    return ran.stdout


def until(condition: Callable[[], bool], timeout_seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait until a condition holds.

    Raises StartFailed with what `otherwise` says after the time has run out.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StartFailed(otherwise())
        time.sleep(0.05)


def remaining(places: Places) -> Iterator[psutil.Process]:
    """Find the processes of a stack that run, whoever their parent is now."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(places.state) and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def sweep(places: Places) -> int:
    """End every process of a stack that still runs, and return how many there were at first."""
    found = list(remaining(places))
    left = found
    while left:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(left, timeout=TERMINATE_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=5)
        left = list(remaining(places))  # what a supervisor restarted before it ended itself
    return len(found)


def stop(places: Places) -> None:
    """Stop a stack, whatever state it is in, and remove what only a running one needs."""
    Supervisor(places).shut_down()
    sweep(places)
    shutil.rmtree(places.sockets, ignore_errors=True)
    shutil.rmtree(places.temporary, ignore_errors=True)
    shutil.rmtree(places.pids, ignore_errors=True)
