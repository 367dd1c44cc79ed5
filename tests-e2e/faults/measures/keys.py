"""Keys: the same request many times at once, for many keys."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path

import requests

from faults.checker import check
from faults.history import History, Told
from faults.laboratory import Laboratory
from faults.market import Market
from faults.measures import Measure
from faults.shopper import Shopper

KEYS_AT_ONCE = 2
_own = threading.local()


def identical_posts(lab: Laboratory, seed: int, file: Path, keys: int, copies: int) -> Measure:
    """Send `copies` identical orders at once for each of `keys` keys."""
    chance, history = random.Random(seed), History(file)
    market = Market(lab, chance)
    original = Shopper(lab.gateway_url, history, chance).register()
    baskets = {f"crowd-{number}": market.basket(chance) for number in range(keys)}
    began = time.monotonic()
    with ThreadPoolExecutor(copies * KEYS_AT_ONCE) as pool, ThreadPoolExecutor(KEYS_AT_ONCE) as lanes:

        def all_at_once(key: str) -> list[Told]:
            futures = [pool.submit(one, original, key, baskets[key]) for _ in range(copies)]
            return [each.result() for each in futures]

        told = [each for answers in lanes.map(all_at_once, baskets) for each in answers]
    seconds = time.monotonic() - began
    for key, basket in baskets.items():
        original.place(basket, key)
    verdict = check(lab, history, market)
    seen = Counter(each.status if each.done else each.code for each in told)
    others = {name: count for name, count in seen.items() if name not in (201, "request_in_progress")}
    effects = len(history.acknowledged_orders())
    return Measure(
        f"{keys:,} keys x {copies} identical POSTs at once",
        "one effect each; all answers equal or 409",
        f"{effects:,} effects; {seen[201]:,} x 201, all equal, {seen['request_in_progress']:,} x 409, "
        f"{sum(others.values())} others; {verdict.count} violations; {len(told) / seconds:.0f} requests/s",
        effects == keys and not others and not verdict.count,
    )


def one(original: Shopper, key: str, basket: dict[str, int]) -> Told:
    """Send an order once, on the connection of this thread."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False
    clone = copy(original)
    clone.session = _own.session
    return clone.place(basket, key, tries=1)
