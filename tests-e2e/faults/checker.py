"""The checker: collects the evidence and holds it against the invariants, until they hold or time is up."""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import nats.errors
import psycopg

from faults.evidence import collect
from faults.history import History
from faults.invariants import ALWAYS, violations
from faults.laboratory import Laboratory
from faults.market import Market

PAUSE_SECONDS = 0.5
LINES_SHOWN = 5


@dataclass(frozen=True)
class Verdict:
    """What is violated, by the invariants' names, how long after the last fault that was found out, and what was
    still violated shortly before (`last`)."""

    violated: Mapping[str, list[str]]
    seconds: float
    last: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(len(lines) for lines in self.violated.values())

    def __str__(self) -> str:
        lines = [
            f"  {name} ({len(each)}): {line}"
            for name, each in self.violated.items()
            for line in each[:LINES_SHOWN]
        ]
        return "\n".join([f"{self.count} violations after {self.seconds:.1f} s", *lines])


def check(
    lab: Laboratory, history: History, market: Market, within_seconds: float = 60, patient: bool = False
) -> Verdict:
    """Check again and again until every invariant holds, one fails that nothing can mend, or time is up.

    With `patient`, not before time is up where nothing fails that nothing can mend.
    """
    began, seen_before, last = time.monotonic(), set(), {}
    while True:
        late = time.monotonic() - began > within_seconds
        try:
            evidence = collect(lab, history, market.stock, market.prices)
        except (psycopg.OperationalError, sqlite3.OperationalError, nats.errors.Error, OSError):
            if late:
                raise
            time.sleep(PAUSE_SECONDS)
            continue
        violated = violations(history, evidence)
        verdict, last = Verdict(violated, time.monotonic() - began, last), violated
        # The parts of the evidence are of different moments: what is seen once may be a move half seen.
        lasting, seen_before = seen_before & _unmendable(violated), _unmendable(violated)
        if late or lasting or not (violated or patient):
            return verdict
        time.sleep(PAUSE_SECONDS)


def _unmendable(violated: Mapping[str, list[str]]) -> set[str]:
    return {line for each in ALWAYS for line in violated.get(each.__name__, ())}
