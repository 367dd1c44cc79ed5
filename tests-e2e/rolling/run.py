"""A run: a fleet, shoppers, rollouts of everything, and what came of it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults.checker import Verdict, check
from faults.history import History
from faults.market import Market

from rolling.client import Tally
from rolling.deploys import Rollout
from rolling.fleet import GATEWAY, Fleet, gateways_of
from rolling.releases import SERVICES, Release
from rolling.shoppers import Crowd

POLL_SECONDS = 0.2
FAILURES_SHOWN = 20


@dataclass(frozen=True)
class Size:
    """How much of everything: at least so many requests, and so many rounds of these deploys, or as many as there is
    time for; `settle_seconds` is what the books have to agree within."""

    requests: int
    deploys: Sequence[str]
    rounds: int
    shoppers: int
    think_seconds: float
    settle_seconds: float


@dataclass(frozen=True)
class Result:
    """What was done meanwhile, what the clients saw, and whether the books agree."""

    tally: Tally
    done: dict[str, Counter[str]]
    verdict: Verdict
    seconds: float
    trouble: Sequence[str]

    @property
    def good(self) -> bool:
        return not (self.tally["failed"] or self.verdict.count or self.trouble)

    def table(self) -> str:
        seen = self.tally.row(self.seconds)
        lines = ["| program | upgrades | restarts | scalings |", "|---|---|---|---|"]
        lines += [
            f"| {name} | {did['upgrade']} | {did['restart']} | {did['scale']} |"
            for name, did in self.done.items()
        ]
        lines += [
            "",
            f"| {' | '.join(seen)} |",
            f"|{'---|' * len(seen)}",
            f"| {' | '.join(seen.values())} |",
            "",
            f"The books: {self.verdict}",
            *self.trouble,
            *self.tally.failures[:FAILURES_SHOWN],
        ]
        return "\n".join(lines)


def roll(
    ships: Fleet,
    releases: Sequence[Release],
    size: Size,
    seed: int,
    file: Path,
    tell: Callable[[str], None],
) -> Result:
    """Let shoppers shop while everything is deployed, until so many requests were sent."""
    history, tally = History(file), Tally()
    market = Market(ships.lab, Random(seed))
    crowd = Crowd(ships.gateway_url, tally, history, market, seed, size.shoppers, size.think_seconds)
    of_each = {name: releases for name in SERVICES} | {GATEWAY: gateways_of(releases)}
    rollouts = [Rollout(ships, name, of_each[name], size.deploys, size.rounds, tell) for name in of_each]
    began = time.monotonic()
    crowd.start()
    for each in rollouts:
        each.start()
    while not any(each.failure for each in rollouts):
        if tally["requests"] >= size.requests and (
            not size.rounds or all(each.is_through for each in rollouts)
        ):
            break
        time.sleep(POLL_SECONDS)
    for each in rollouts:
        each.end()
    trouble = [each.failure for each in rollouts if each.failure]
    trouble += [] if crowd.all_there else ["a shopper went home by accident"]
    crowd.stop()
    seconds = time.monotonic() - began
    tell(f"{tally['requests']:,} requests, {tally['failed']} failed; the books are compared")
    verdict = check(ships.lab, history, market, size.settle_seconds)
    done = {program: did for each in rollouts for program, did in each.done.items()}
    return Result(tally, done, verdict, seconds, trouble)
