"""Placing orders: POST through the gateway, and a bare psycopg script with the same statements and transactions."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.laboratory import PRODUCTS, Laboratory
from benchmarks.plan import Plan
from benchmarks.proxies import PEERS
from benchmarks.rounds import Contender, Load, race
from benchmarks.wrk import Measured, Target


@dataclass(frozen=True)
class Script:
    """The bare script, with as many connections as there would be clients."""

    lab: Laboratory

    def measure(self, clients: int, seconds: float) -> Measured:
        command = [self.lab.peers / "python", PEERS / "place_orders.py", str(seconds), str(clients)]
        told = {"DB_URL": self.lab.setting("orders", "ORDERS_DB_URL"), "PATH": os.environ["PATH"]}
        ran = subprocess.run([*command, str(PRODUCTS)], env=told, check=True, capture_output=True, text=True)
        placed = json.loads(ran.stdout)
        return Measured(placed["orders"], 0, 0, seconds, placed["p50"], placed["p99"])


def placing(address: str, headers: dict[str, str], pause_ms: float = 0) -> Target:
    """Return clients who place an order after another, with a pause in between."""
    return Target(f"{address}/api/v1/orders", headers, "place_order.lua", (str(PRODUCTS), f"{pause_ms:.0f}"))


def orders(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure the POST of an order of two products: by itself, and while the workers take the events it causes."""
    shopper = lab.shopper()

    @contextlib.contextmanager
    def souk() -> Iterator[Target]:
        yield placing(lab.gateway_url, shopper.signed_in().headers)

    @contextlib.contextmanager
    def script() -> Iterator[Script]:
        yield Script(lab)

    def alone(contender: Contender) -> Contender:
        @contextlib.contextmanager
        def start() -> Iterator[Load]:
            lab.until_quiet()
            with lab.workers_paused(), contender.start() as load:
                yield load

        return Contender(contender.name, start)

    def with_workers(contender: Contender) -> Contender:
        @contextlib.contextmanager
        def start() -> Iterator[Load]:
            lab.until_quiet()
            with contender.start() as load:
                yield load

        return Contender(contender.name, start)

    both = [Contender("souk", souk), Contender("bare script", script)]
    by_itself = race(lab, "orders", [alone(each) for each in both], plan, plan.writers)
    meanwhile = race(lab, "orders+events", [with_workers(each) for each in both], plan, plan.writers)
    name = "POST of an order, of a bare psycopg script"
    return [
        by_itself.ratio(name, "souk", "bare script", 0.50),
        meanwhile.ratio(f"{name}, while the workers take the events", "souk", "bare script", 0.50),
    ]
