"""The storm: random strikes on a stack while a crowd shops, and the checker afterwards."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nats.errors
from shop import until

from faults.checker import Verdict, check
from faults.crowd import Crowd
from faults.history import History
from faults.laboratory import Laboratory
from faults.market import Market
from faults.shopper import VISA, Shopper
from faults.strikes import Strike

CALM_SECONDS = 3.0
SETTLED_WITHIN_SECONDS = 60
REPLAYS = 500


@dataclass(frozen=True)
class Storm:
    """What a storm did and what was left."""

    orders: int
    strikes: list[str]
    recovery_seconds: float
    replays: int
    verdict: Verdict


def storm(
    lab: Laboratory,
    seed: int,
    file: Path,
    *,
    strikes: Sequence[Strike],
    seconds: float,
    shoppers: int,
    pace_seconds: float,
    tell: Callable[[str], None],
) -> Storm:
    """Let a crowd shop while things break; everything is drawn from the seed."""
    chance, history = random.Random(seed), History(file)
    market = Market(lab, chance)
    crowd = Crowd(lab, market, history, seed, shoppers)
    witness = Shopper(lab.gateway_url, history, random.Random(seed)).register()
    crowd.start(pace_seconds)
    done, ends_at = [], time.monotonic() + seconds
    while time.monotonic() < ends_at:
        time.sleep(chance.uniform(0.2, CALM_SECONDS))
        with suppress(nats.errors.Error):
            done.append(chance.choice(strikes)(lab, chance))
            tell(done[-1])
    recovery = recover(witness, market)
    crowd.stop()
    replays = crowd.replay(REPLAYS)
    verdict = check(lab, history, market, SETTLED_WITHIN_SECONDS)
    return Storm(len(history.acknowledged_orders()), done, recovery, replays, verdict)


def recover(witness: Shopper, market: Market) -> float:
    """Return how long after now somebody has ordered, paid, and seen the order PAID."""
    began = time.monotonic()
    placed = witness.place({next(iter(market.prices)): 1})
    order_id = placed.json()["id"]
    witness.pay(order_id, VISA)
    until(lambda: witness.status(order_id) == "PAID", SETTLED_WITHIN_SECONDS)
    return time.monotonic() - began
