"""Rounds: everybody's turn, again and again, so that what the machine does besides hits all alike."""

import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.figures import Figure
from benchmarks.laboratory import Laboratory
from benchmarks.plan import Plan
from benchmarks.programs import NotStarted
from benchmarks.spent import of_one
from benchmarks.tools import lacking
from benchmarks.wrk import Measured, Unusable


class Load(Protocol):
    """What one turn consists of: wrk and what it asks, or a program of its own."""

    def measure(self, clients: int, seconds: float) -> Measured: ...


@dataclass(frozen=True)
class Contender:
    """One that is measured: `start` runs it for a turn and gives its load."""

    name: str
    start: Callable[[], AbstractContextManager[Load]]
    needs: Sequence[str] = ()


@dataclass
class Race:
    """What all contenders of a part did in their turns, and why some did not."""

    part: str
    turns: dict[str, list[Measured]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def absent(self, *names: str) -> str:
        """Return why these cannot be compared, "" if they can."""
        return "; ".join(self.missing[name] for name in names if name in self.missing)

    def rates(self, name: str) -> list[float]:
        return [turn.rate for turn in self.turns.get(name, [])]

    def ratio(self, figure: str, ours: str, theirs: str, wanted: float) -> Figure:
        """Return how many times as many requests ours answered, in each round."""
        if absent := self.absent(ours, theirs):
            return Figure(self.part, figure, wanted, "x", missing=absent)
        pairs = zip(self.rates(ours), self.rates(theirs), strict=True)
        return Figure(self.part, figure, wanted, "x", [our / their for our, their in pairs])

    def rate(self, figure: str, name: str, wanted: float) -> Figure:
        return Figure(self.part, figure, wanted, "/s", self.rates(name), missing=self.absent(name))


def race(
    lab: Laboratory,
    part: str,
    contenders: Sequence[Contender],
    plan: Plan,
    clients: int = 0,
    lacking: Callable[..., str] = lacking,
) -> Race:
    """Give each contender a turn in each round; the round after begins with another one. `lacking` tells which of its
    tools are missing."""
    found = Race(part)
    for contender in contenders:
        if absent := lacking("wrk", *contender.needs):
            found.missing[contender.name] = absent
    for number in range(plan.rounds):
        at = number % len(contenders)
        for contender in [*contenders[at:], *contenders[:at]]:
            if contender.name not in found.missing:
                take_turn(lab, found, contender, plan, clients or plan.clients)
    return found


def take_turn(lab: Laboratory, found: Race, contender: Contender, plan: Plan, clients: int) -> None:
    """Measure one contender once; one that fails is out of the race."""
    try:
        with contender.start() as load:
            load.measure(clients, plan.warm_up_seconds)
            with lab.meter().running() as used:
                turn = load.measure(clients, plan.seconds).require_answers()
    except (NotStarted, Unusable, subprocess.CalledProcessError) as failure:
        found.missing[contender.name] = f"{contender.name}: {failure}"
        print(f"  {contender.name}: {failure}", flush=True)
        return
    found.turns.setdefault(contender.name, []).append(turn)
    lab.note(found.part, contender.name, turn, of_one(used, turn.requests))
    print(
        f"  {contender.name:<28} {turn.rate:>9,.0f}/s   p50 {turn.p50:.1f} ms   p99 {turn.p99:.1f} ms",
        flush=True,
    )
