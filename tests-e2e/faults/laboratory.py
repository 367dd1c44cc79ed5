"""The laboratory: an embedded stack of its own whose processes can be told, struck, and led astray."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from shop import until
from stacks import ROOT, Stack, own

INJECT = Path(__file__).parent / "inject"
SERVICES = ("users", "orders", "payments")
PROGRAMS = (
    "gateway",
    "orders",
    "orders-worker",
    "payments",
    "payments-worker",
    "users",
    "users-worker",
    "sandbox",
    "nats",
    "postgres",
)
READY_SECONDS = 60
# Every process of a stack inherits this variable with the stack's state folder.
MARK = "SOUK_SUPERVISED"
# Everything that waits does so a little shorter than in real life, so that more of it happens in a minute.
HASTY = {
    "orders": {"ORDERS_PAYMENT_WINDOW_SECONDS": "30"},
    "payments": {
        "PAYMENTS_STRIPE_TIMEOUT_SECONDS": "1.5",
        "PAYMENTS_SETTLE_AFTER_SECONDS": "1",
        "PAYMENTS_SETTLE_POLL_SECONDS": "0.2",
        "PAYMENTS_SETTLE_LEASE_SECONDS": "2",
    },
    "sandbox": {
        "SANDBOX_SLOW_SECONDS": "2",
        "SANDBOX_SILENT_SECONDS": "3",
        "SANDBOX_SETTLE_DELAY_SECONDS": "1",
    },
}


@dataclass(frozen=True)
class Process:
    """One process of the stack as supervisord knows it; `pid` is also its group's number."""

    name: str
    pid: int
    ready: str


class Laboratory:
    """One stack under test. A process reads its settings file at each start: lines added to it count from then on."""

    def __init__(self, stack: Stack) -> None:
        assert stack.state is not None
        self.stack = stack
        self.gateway_url = stack.gateway_url
        self.state = stack.state
        self.faults = self.state / "faults"
        self.faults.mkdir(exist_ok=True)

    def setting(self, program: str, name: str) -> str:
        """Return a variable of a program, the last of its lines."""
        lines = (self.state / "settings" / f"{program}.env").read_text().splitlines()
        values = [value for line in lines for key, _, value in [line.partition("=")] if key == name]
        return values[-1].strip("'")

    def tell(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Add variables to the settings of programs; they count from each process's next start."""
        for program, variables in settings.items():
            with (self.state / "settings" / f"{program}.env").open("a") as file:
                file.writelines(f"{name}='{value}'\n" for name, value in variables.items())

    def processes(self) -> dict[str, Process]:
        found = self.stack.processes()
        return {name: Process(name, each["pid"], each["ready"]) for name, each in found.items()}

    def pid(self, name: str) -> int:
        """Return a process's number from the record of its own start; a record that is being written is empty."""
        record = self.state / "pids" / name
        return int(until(record.read_text))

    def is_ready(self) -> bool:
        with suppress(json.JSONDecodeError):
            return all(each.pid and each.ready in ("", "ready") for each in self.processes().values())
        return False

    def until_ready(self) -> None:
        until(self.is_ready, READY_SECONDS)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and all its children, which may be of groups of their own."""
        for pid in self.family(name):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def family(self, name: str) -> list[int]:
        """Return a process and all that descend from it, the parents first; nothing while it is not there.

        The number of a process that has died may be another's by now, who is none of ours.
        """
        pid = self.pid(name)
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return []
        return descendants(pid) if os.fsencode(f"{MARK}={self.state}") in environment else []

    def restart(self, names: Sequence[str]) -> None:
        """Kill processes and wait until others are there and ready."""
        before = {name: self.pid(name) for name in names}
        for name in names:
            self.signal(name, signal.SIGKILL)
        until(lambda: all(self.pid(name) != pid for name, pid in before.items()), READY_SECONDS)
        self.until_ready()

    def control(self, *command: str) -> None:
        """Have supervisord start or stop a process: control("stop", "engines:nats")."""
        program = str(ROOT / "scripts/.venv/bin/supervisorctl")
        place = f"unix://{self.socket_folder() / 'supervisor.sock'}"
        subprocess.run([program, "-s", place, *command], capture_output=True, text=True, timeout=60)

    def socket_folder(self) -> Path:
        return Path(unquote(self.setting("orders", "ORDERS_DB_URL").partition("host=")[2])).parent

    def inject(self) -> None:
        """Have every service start with failpoints, and with a seeded bug where there is one."""
        told = {"PYTHONPATH": str(INJECT), "SOUK_FAULTS": str(self.faults)}
        self.tell({program: told for program in (*SERVICES, "gateway", "sandbox")})

    def seed(self, edits: Sequence[Mapping[str, str]]) -> None:
        """Write the bug that processes have from their next start on; none where there are no edits."""
        file = self.faults / "bug.json"
        file.write_text(json.dumps(list(edits)))

    def arm(self, program: str, name: str, when: str, pause_seconds: float = 0) -> None:
        """Let a failpoint strike once: its process dies there, or waits."""
        told: dict[str, Any] = {"program": program, "name": name, "when": when}
        told |= {"pause_seconds": pause_seconds, "id": time.monotonic_ns()}
        new = self.faults / "strikes.new"
        new.write_text(json.dumps([*self.armed(), told]))
        new.rename(self.faults / "strikes.json")

    def armed(self) -> list[dict[str, Any]]:
        file = self.faults / "strikes.json"
        return json.loads(file.read_text()) if file.exists() else []

    def has_struck(self) -> bool:
        """Tell whether all that is armed has struck."""
        return all((self.faults / f"struck-{each['id']}").exists() for each in self.armed())

    def disarm(self) -> None:
        (self.faults / "strikes.json").unlink(missing_ok=True)
        for each in self.faults.glob("struck-*"):
            each.unlink()

    @contextmanager
    def counting(self) -> Iterator[list[dict[str, str]]]:
        """Collect the failpoints that are passed meanwhile."""
        found: list[dict[str, str]] = []
        switch, hits = self.faults / "counting", self.faults / "hits"
        hits.unlink(missing_ok=True)
        switch.touch()
        try:
            yield found
        finally:
            switch.unlink()
            if hits.exists():
                found += [json.loads(line) for line in hits.read_text().splitlines()]


def descendants(pid: int) -> list[int]:
    """Return a process and all that descend from it, the parents first."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


@contextmanager
def laboratory(
    settings: Mapping[str, Mapping[str, str]] = HASTY, inject: bool = False
) -> Iterator[Laboratory]:
    """Start a stack with these settings, and leave nothing of it but what `kept` names."""
    with own() as stack:
        lab = Laboratory(stack)
        lab.tell(settings)
        if inject:
            lab.inject()
        told = [*settings, *(name for name in (*SERVICES, "gateway", "sandbox") if inject)]
        try:
            lab.restart([name for name in PROGRAMS if name.removesuffix("-worker") in told])
            yield lab
        finally:
            keep_logs(lab)


def keep_logs(lab: Laboratory) -> None:
    """Keep the logs of the last stack, for whoever asks what happened."""
    kept = ROOT / ".run" / "faults" / "logs"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(lab.state / "logs", kept)
