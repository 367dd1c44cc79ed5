"""`python -m rolling.shopping URL`: the shoppers alone, for a stack that somebody else deploys; their tally as JSON.

What they were told is compared with what the shop says of their orders and payments at the end. ADMIN_EMAIL and
ADMIN_PASSWORD are whose word puts the products in the shop.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from faults.history import History
from faults.market import Market
from shop import Client
from stacks import Stack

from rolling.client import Tally
from rolling.shoppers import Crowd, Shopper

SETTLED_SECONDS = 120
POLL_SECONDS = 0.5
THINK_SECONDS = 1.0
LINES = 20


@dataclass(frozen=True)
class Shop:
    """What a market needs to know of a stack."""

    stack: Stack

    @property
    def gateway_url(self) -> str:
        return self.stack.gateway_url


def wrong_of(shopper: Shopper, history: History) -> list[str]:
    """Return what the shop says of a shopper's orders and payments that differs from what they were told."""
    client = Client(shopper.url).sign_in(shopper.email, shopper.password)
    orders = {each["id"]: each for each in everything(client, "/api/v1/orders")}
    payments = everything(client, "/api/v1/payments")
    mine = [told for told in history if told.user_id == shopper.user_id and told.done]
    placed = {told.json()["id"] for told in mine if told.operation == "place"}
    paid = {json.loads(told.body)["order_id"] for told in mine if told.operation == "pay"}
    charged = Counter(each["order_id"] for each in payments if each["status"] == "succeeded")
    found = [f"order {each} was acknowledged and is not there" for each in placed - orders.keys()]
    found += [f"order {each} was acknowledged to nobody" for each in orders.keys() - placed]
    found += [
        f"order {each} was paid {charged[each]} times" for each in paid | charged.keys() if charged[each] != 1
    ]
    found += [f"order {each} was paid by nobody" for each in charged.keys() - paid]
    states = {each: orders[each]["status"] for each in paid & orders.keys()}
    return found + [
        f"order {each} was paid and is {state}" for each, state in states.items() if state != "PAID"
    ]


def settle(crowd: Crowd, history: History) -> list[str]:
    """Return what still differs when everything has had its time to come to an end."""
    until = time.monotonic() + SETTLED_SECONDS
    while wrong := [line for each in crowd.shoppers for line in wrong_of(each, history)]:
        if time.monotonic() > until:
            break
        time.sleep(POLL_SECONDS)
    return wrong


def everything(client: Client, path: str) -> list[dict[str, str]]:
    """Return all pages of a list."""
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{path}?limit=100{f'&cursor={cursor}' if cursor else ''}").json()
        found += page["data"]
        cursor = page["next_cursor"]
    return found


def main() -> None:
    """Shop until so many requests were sent; the exit code says whether each was answered and the books agree."""
    arguments = argparse.ArgumentParser(prog="rolling.shopping", description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("--requests", type=int, required=True)
    arguments.add_argument("--shoppers", type=int, default=24)
    arguments.add_argument("--history", type=Path, required=True)
    told = arguments.parse_args()
    seed, tally, history = time.time_ns(), Tally(), History(told.history)
    shop = Shop(Stack(told.url, os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"]))
    market = Market(shop, random.Random(seed))
    crowd = Crowd(told.url, tally, history, market, seed, told.shoppers, THINK_SECONDS)
    began = time.monotonic()
    crowd.start()
    while tally["requests"] < told.requests and crowd.all_there:
        time.sleep(POLL_SECONDS)
    lonely = not crowd.all_there
    crowd.stop()
    seen = tally.row(time.monotonic() - began)
    wrong = settle(crowd, history)
    said = seen | {"failures": tally.failures[:LINES], "books": wrong[:LINES]}
    print(json.dumps(said), flush=True)  # noqa: T201
    sys.exit(bool(tally["failed"] or wrong or lonely))


if __name__ == "__main__":
    main()
