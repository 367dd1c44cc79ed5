"""wrk: clients that ask as fast as they are answered, and what they were answered."""

import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.tools import program

LUA = Path(__file__).parent / "lua"
TIMEOUT_SECONDS = 10


class Unusable(Exception):
    """A measurement that says nothing: too much of it failed."""


@dataclass(frozen=True)
class Target:
    """What is asked: an address with the headers of a client, or a script of lua/ that makes the requests."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    script: str = ""
    arguments: tuple[str, ...] = ()

    def measure(self, clients: int, seconds: float) -> "Measured":
        """Let so many clients ask for so long."""
        return drive(self, clients, seconds)


@dataclass(frozen=True)
class Measured:
    """What became of the requests of one turn; times in milliseconds."""

    requests: int
    refused: int  # answered with a status of 400 or more
    broken: int  # not answered
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Return how many requests a second were answered as they should be."""
        return (self.requests - self.refused) / self.seconds

    def require_answers(self) -> "Measured":
        """Return this. Raises Unusable where more than one request of a thousand went wrong."""
        wrong = self.refused + self.broken
        if not self.requests:
            raise Unusable("nothing was answered in time")
        if wrong > self.requests / 1000:
            raise Unusable(f"{wrong} of {self.requests} requests went wrong")
        return self


def drive(target: Target, clients: int, seconds: float) -> Measured:
    """Let so many clients ask for so long."""
    headers = [argument for name, value in target.headers.items() for argument in ("-H", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        parts = [LUA / "report.lua", *([LUA / target.script] if target.script else [])]
        script.write("\n".join(part.read_text() for part in parts))
        script.flush()
        command = [program("wrk"), "-t", "2", "-c", str(clients), "-d", f"{max(1, round(seconds))}s"]
        command += ["--timeout", f"{TIMEOUT_SECONDS}s", "-s", script.name, *headers, target.url]
        ran = subprocess.run([*command, "--", *target.arguments], capture_output=True, text=True, check=True)
    return Measured(**json.loads(ran.stdout.splitlines()[-1]))
