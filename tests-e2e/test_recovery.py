"""Whatever is killed comes back by itself, and nothing that was accepted is lost."""

import os
import signal

import pytest
from shop import until

PROCESSES = (
    "gateway",
    "orders",
    "orders-worker",
    "payments",
    "payments-worker",
    "users",
    "users-worker",
    "sandbox",
    "nats",
    "postgres",
)
BACK_SECONDS = 30


@pytest.mark.parametrize("name", PROCESSES)
def test_a_killed_process_comes_back_by_itself(embedded, shopper, sku, name):
    order = shopper.order(sku)
    before = embedded.processes()[name]["pid"]
    os.kill(before, signal.SIGKILL)

    def all_ready() -> bool:
        found = embedded.processes()
        back = found[name]["pid"] not in (0, before)
        return back and all(process["ready"] in ("", "ready") for process in found.values())

    until(all_ready, BACK_SECONDS)
    assert shopper.pay(order).status_code == 201
    shopper.until_status(order, "PAID")
