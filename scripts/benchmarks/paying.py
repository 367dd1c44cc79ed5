"""Paying: the time from the payment's answer until the order is PAID, as its buyer sees it, at a steady rate."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

from benchmarks.figures import Figure, percentile
from benchmarks.laboratory import PRODUCTS, Laboratory
from benchmarks.plan import Plan
from benchmarks.shopper import Shopper

ORDERS_PER_SECOND = 20
BUYERS = 16
GIVE_UP_SECONDS = 20
LOOK_SECONDS = 0.005


class NotPaid(Exception):
    """An order that was paid for did not turn PAID."""


def buy(shopper: Shopper, sku: str) -> float:
    """Order and pay; returns the milliseconds from the payment's answer until the order was seen PAID."""
    order = shopper.order(sku)
    payment = {"order_id": order["id"], "payment_method": "pm_card_visa"}
    shopper.expect(201, "POST", "/api/v1/payments", payment)
    answered = time.monotonic()
    while shopper.expect(200, "GET", f"/api/v1/orders/{order['id']}")["status"] != "PAID":
        if time.monotonic() - answered > GIVE_UP_SECONDS:
            raise NotPaid(order["id"])
        time.sleep(LOOK_SECONDS)
    return 1000 * (time.monotonic() - answered)


def paying(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure it at 20 orders a second, whoever is still waiting for his."""
    lab.until_quiet()
    here = local()

    def enter() -> None:
        here.shopper = lab.shopper()

    def one(due: float, sku: str) -> float:
        time.sleep(max(0, due - time.monotonic()))
        return buy(here.shopper, sku)

    count = round(plan.pay_seconds * ORDERS_PER_SECOND)
    with ThreadPoolExecutor(BUYERS, initializer=enter) as buyers:
        list(buyers.map(time.sleep, [0.5] * BUYERS))  # until all of them have registered
        began = time.monotonic() + 0.5
        dues = [(began + at / ORDERS_PER_SECOND, f"BENCH-{at % PRODUCTS + 1:03}") for at in range(count)]
        times = list(buyers.map(lambda due: one(*due), dues))
        rate = count / (time.monotonic() - began)
    print(f"  {count} orders at {rate:.1f}/s", flush=True)
    slices = [times[at :: plan.rounds] for at in range(plan.rounds)]
    name, note = "payment answered to order PAID at 20 orders/s", f"{count} orders at {rate:.1f}/s"
    p50 = [percentile(part, 50) for part in slices]
    return [
        Figure("paying", f"{name}, p50", 50, "ms", p50, at_most=True, note=note),
        Figure("paying", f"{name}, p99", 250, "ms", [percentile(times, 99)], at_most=True, note=note),
    ]
