"""Recovery: how long after a kill somebody can order, pay, and see the order PAID."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from faults.checker import check
from faults.history import History
from faults.laboratory import PROGRAMS, Laboratory
from faults.market import Market
from faults.measures import Measure
from faults.shopper import Shopper
from faults.storm import recover
from faults.strikes import Strike, kill, stop_postgres_immediately

WANTED_SECONDS = 5
KILLS: tuple[Strike, ...] = tuple(partial(kill, name=name) for name in PROGRAMS)


def from_each(lab: Laboratory, seed: int, file: Path, tell: Callable[[str], None]) -> Measure:
    """Kill one process after another, each when the stack is whole, and let a shopper buy at once."""
    chance, history = random.Random(seed), History(file)
    market = Market(lab, chance)
    witness = Shopper(lab.gateway_url, history, chance).register()
    taken: dict[str, float] = {}
    for strike in (*KILLS, stop_postgres_immediately):
        lab.until_ready()
        name = strike(lab, chance)
        taken[name] = recover(witness, market)
        tell(f"{name}: recovered after {taken[name]:.1f} s")
    verdict = check(lab, history, market)
    slowest = max(taken, key=lambda name: taken[name])
    return Measure(
        f"recovery from kill -9 of each of {len(PROGRAMS)} processes and PostgreSQL's immediate stop",
        f"an order placed, paid and PAID within {WANTED_SECONDS} s",
        f"{taken[slowest]:.1f} s at most ({slowest}); {verdict.count} violations",
        taken[slowest] <= WANTED_SECONDS and not verdict.count,
    )
