"""A run: a fleet, shoppers, rollouts of everything, and what came of it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults.checker import Verdict, check
from faults.history import History
from faults.laboratory import Laboratory
from faults.market import Market

from rolling.client import Tally
from rolling.deploys import Rollout
from rolling.fleet import GATEWAY, PROGRAMS, Fleet, fleet
from rolling.releases import SERVICES, Release
from rolling.shoppers import Crowd

POLL_SECONDS = 0.2
FAILURES_SHOWN = 20


@dataclass(frozen=True)
class Size:
    """How much of everything; `settle_seconds` is what the books have to agree within."""

    requests: int
    instances: int
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

    @property
    def good(self) -> bool:
        return not self.tally["failed"] and not self.verdict.count

    def table(self) -> str:
        tally = self.tally
        lines = ["| program | restarts | upgrades | scalings |", "|---|---|---|---|"]
        lines += [f"| {name} | {did['restart']} | {did['upgrade']} | {did['scale']} |" for name, did in self.done.items()]
        lines += [
            "",
            "| requests | of them POST | failed | a second | slowest | connections | end announced | ended idle |",
            "|---|---|---|---|---|---|---|---|",
            f"| {tally['requests']:,} | {tally['POST']:,} | {tally['failed']} | {tally['requests'] / self.seconds:.0f} | "
            f"{tally.slowest_seconds:.2f} s | {tally['connections']} | {tally['announced']} | {tally['ended idle']} |",
            "",
            f"The books: {self.verdict}",
            *tally.failures[:FAILURES_SHOWN],
        ]
        return "\n".join(lines)


def roll(
    lab: Laboratory,
    releases: Sequence[Release],
    size: Size,
    seed: int,
    file: Path,
    tell: Callable[[str], None],
) -> Result:
    """Let shoppers shop while everything is deployed, until so many requests were sent and everything was done once."""
    history, tally = History(file), Tally()
    market = Market(lab, Random(seed))
    with fleet(lab) as ships:
        launch(ships, releases, size.instances)
        tell(f"a gateway at {ships.gateway_url} and {sum(len(ships[each]) for each in PROGRAMS)} instances")
        crowd = Crowd(ships.gateway_url, tally, history, market, seed, size.shoppers, size.think_seconds)
        rollouts = [
            Rollout(ships, name, with_gateway(releases) if name == GATEWAY else releases, seed, tell)
            for name in (*SERVICES, GATEWAY)
        ]
        began = time.monotonic()
        crowd.start()
        for each in rollouts:
            each.start()
        while tally["requests"] < size.requests and all(each.failure is None for each in rollouts):
            time.sleep(POLL_SECONDS)
        try:
            for each in rollouts:
                each.end()
            assert crowd.all_there, "a shopper went home by accident"
        finally:
            crowd.stop()
        seconds = time.monotonic() - began
        tell(f"{tally['requests']:,} requests, {tally['failed']} failed; the books are compared")
        verdict = check(lab, history, market, size.settle_seconds)
    done = {program: did for each in rollouts for program, did in each.done.items()}
    return Result(tally, done, verdict, seconds)


def launch(ships: Fleet, releases: Sequence[Release], instances: int) -> None:
    """Start instances of every program at the first release: the gateway last, as it asks the others."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: ships.add(name, releases[0]), [each for each in PROGRAMS if each != GATEWAY]))
        list(pool.map(lambda name: ships.add(name, releases[0]), SERVICES * (instances - 1)))
    ships.add(GATEWAY, with_gateway(releases)[0])


def with_gateway(releases: Sequence[Release]) -> Sequence[Release]:
    """Return the releases whose gateways can stand beside each other on one port."""
    return [each for each in releases if each.shares_ports()]
