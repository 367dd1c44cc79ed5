"""The stack the journeys run against: the one at GATEWAY_URL, or an embedded one of their own."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 180


@dataclass(frozen=True)
class Stack:
    """A running stack; `state` is its state folder where it is an embedded one that these tests started."""

    gateway_url: str
    admin_email: str
    admin_password: str
    state: Path | None = None

    def script(self, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the tree on this stack."""
        return run_script(name, *arguments, SOUK_STATE=str(self.state), **environment)

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what `make status` knows, by the processes' names."""
        found = json.loads(self.script("status", "--json").stdout)
        return {process["name"]: process for process in found}

    def log_lines(self, program: str) -> list[dict[str, Any]]:
        """Return the lines of a process's log that are JSON objects."""
        assert self.state is not None
        lines = (self.state / "logs" / f"{program}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def run_script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts" / name), *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, env=inherited | environment, capture_output=True, text=True, timeout=START_SECONDS
    )


def given() -> Stack | None:
    """Return the stack that the environment names, if it names one."""
    if url := os.environ.get("GATEWAY_URL"):
        return Stack(url.rstrip("/"), os.environ.get("ADMIN_EMAIL", ""), os.environ.get("ADMIN_PASSWORD", ""))
    return None


@contextmanager
def own(name: str = "e2e", **environment: str) -> Iterator[Stack]:
    """Start an embedded stack on a free port with new state, and leave nothing of it."""
    state = ROOT / ".run" / f"{name}-{os.getpid()}"
    try:
        started = run_script("up", SOUK_STATE=str(state), GATEWAY_PORT="0", **environment)
        assert started.returncode == 0, started.stdout + started.stderr
        lines = (state / "env").read_text().splitlines()
        variables = dict(line.split("=", 1) for line in lines)
        yield Stack(variables["GATEWAY_URL"], variables["ADMIN_EMAIL"], variables["ADMIN_PASSWORD"], state)
    finally:
        run_script("down", SOUK_STATE=str(state))
        shutil.rmtree(state, ignore_errors=True)
