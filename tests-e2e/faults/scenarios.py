"""The scenarios: the smallest things that have to happen for a mistake to show."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from shop import until

from faults.evidence import rows
from faults.history import History
from faults.laboratory import Laboratory
from faults.market import Market
from faults.shopper import DECLINED, SILENT, SLOW, VISA, Shopper
from faults.strikes import deliver_again, freeze

PATIENCE_SECONDS = 8
STATUS_SECONDS = 5
PLACING = "commit in orders.service.place_order"
PAYING = "commit in payments.service.paying.pay"
HEARING = "call of a service: POST /api/v1/payments/webhooks/stripe"
CHARGING = "call of the provider: POST v1/payment_intents"
REFUNDING = "call of the provider: POST v1/refunds"


class Bench:
    """A market, a history and some shoppers for one scenario."""

    def __init__(self, lab: Laboratory, seed: int, file: Path) -> None:
        self.lab = lab
        self.random = random.Random(seed)
        self.history = History(file)
        self.market = Market(lab, self.random, products=2)
        self.first, self.second = sorted(self.market.prices)
        self.shopper = self.new_shopper()

    def new_shopper(self) -> Shopper:
        shopper = Shopper(self.lab.gateway_url, self.history, self.random).register()
        shopper.patience_seconds = PATIENCE_SECONDS
        return shopper

    def place(self) -> str:
        """Order two of one product and one of the other; the order's id, or "" where that failed."""
        placed = self.shopper.place({self.first: 2, self.second: 1})
        return placed.json().get("id", "") if placed.done else ""

    def wait_for(self, order_id: str, status: str) -> None:
        """Wait until an order is in a state, or is not for too long: the checker will say what is wrong."""
        with suppress(AssertionError):
            until(lambda: self.shopper.status(order_id) == status, STATUS_SECONDS)

    def buy(self) -> str:
        order_id = self.place()
        self.shopper.pay(order_id, VISA)
        self.wait_for(order_id, "PAID")
        return order_id

    def let_expire(self, order_id: str) -> None:
        """Put the end of an order's time to pay to this moment."""
        statement = "UPDATE orders SET expires_at = now() WHERE id = %(id)s"
        rows(self.lab, "orders", statement, id=order_id)

    @contextmanager
    def meanwhile(self, call: Callable[[], Any]) -> Iterator[None]:
        """Run something at the side of a block."""
        thread = Thread(target=call)
        thread.start()
        time.sleep(0.4)
        yield
        thread.join()


Scenario = Callable[[Bench], None]


def an_order_is_paid(bench: Bench) -> None:
    bench.buy()


def an_order_is_paid_and_cancelled(bench: Bench) -> None:
    order_id = bench.buy()
    bench.shopper.cancel(order_id)
    bench.wait_for(order_id, "REFUNDED")


def an_order_is_cancelled(bench: Bench) -> None:
    bench.shopper.cancel(bench.place())


def a_card_is_declined(bench: Bench) -> None:
    order_id = bench.place()
    bench.shopper.pay(order_id, DECLINED)
    bench.shopper.pay(order_id, VISA)
    bench.wait_for(order_id, "PAID")


def hold_up_the_webhook(bench: Bench) -> None:
    """Keep the provider from telling by itself, for a while, what became of a charge."""
    bench.lab.arm("gateway", HEARING, "before", pause_seconds=4)


def payments_dies_while_it_charges_and_the_webhook_is_late(bench: Bench) -> None:
    hold_up_the_webhook(bench)
    payments_dies_while_the_provider_charges(bench)


def a_card_is_declined_and_the_webhook_is_late(bench: Bench) -> None:
    order_id = bench.place()
    hold_up_the_webhook(bench)
    bench.shopper.pay(order_id, DECLINED)


def the_provider_is_silent_and_its_webhook_is_late(bench: Bench) -> None:
    order_id = bench.place()
    hold_up_the_webhook(bench)
    bench.shopper.pay(order_id, SILENT)
    bench.wait_for(order_id, "PAID")


def the_provider_is_frozen(bench: Bench) -> None:
    order_id = bench.place()
    with bench.meanwhile(lambda: freeze(bench.lab, bench.random, "sandbox", 5)):
        bench.shopper.pay(order_id, VISA)
    bench.wait_for(order_id, "PAID")


def the_provider_is_slow(bench: Bench) -> None:
    order_id = bench.place()
    bench.shopper.pay(order_id, SLOW)
    bench.wait_for(order_id, "PAID")


def an_order_is_cancelled_while_the_provider_is_silent(bench: Bench) -> None:
    order_id = bench.place()
    with bench.meanwhile(lambda: bench.shopper.pay(order_id, SILENT)):
        bench.shopper.cancel(order_id)


def a_key_is_used_twice(bench: Bench) -> None:
    placed = bench.shopper.place({bench.first: 2})
    bench.shopper.place({bench.first: 2}, placed.key)
    bench.shopper.place({bench.first: 3}, placed.key, "reuse")


def two_shoppers_use_the_same_key(bench: Bench) -> None:
    other = bench.new_shopper()
    bench.shopper.place({bench.first: 2}, "the-same")
    other.place({bench.first: 2}, "the-same")


def a_duplicate_comes_while_the_first_is_held_up(bench: Bench) -> None:
    bench.lab.arm("orders", PLACING, "before", pause_seconds=3)
    with bench.meanwhile(lambda: bench.shopper.place({bench.first: 2}, "the-key")):
        bench.shopper.place({bench.first: 2}, "the-key", "duplicate", tries=1)


def too_much_is_ordered(bench: Bench) -> None:
    bench.shopper.place({bench.first: 1000, bench.second: 1})
    rows(bench.lab, "orders", "UPDATE products SET stock = 3 WHERE sku = %(sku)s", sku=bench.first)
    bench.market.stock[bench.first] = 1003
    bench.shopper.place({bench.first: 4})


def orders_dies_before_it_commits(bench: Bench) -> None:
    bench.lab.arm("orders", PLACING, "before")
    bench.place()


def orders_dies_after_it_commits(bench: Bench) -> None:
    bench.lab.arm("orders", PLACING, "after")
    bench.place()


def payments_dies_while_the_provider_charges(bench: Bench) -> None:
    order_id = bench.place()
    bench.lab.arm("payments", CHARGING, "after")
    bench.shopper.pay(order_id, VISA)
    bench.wait_for(order_id, "PAID")


def payments_dies_before_the_provider_is_asked(bench: Bench) -> None:
    order_id = bench.place()
    bench.lab.arm("payments", CHARGING, "before")
    bench.shopper.pay(order_id, VISA)
    bench.wait_for(order_id, "PAID")


def the_worker_dies_while_the_provider_refunds(bench: Bench) -> None:
    order_id = bench.buy()
    bench.lab.arm("payments-worker", REFUNDING, "after")
    bench.shopper.cancel(order_id)
    bench.wait_for(order_id, "REFUNDED")


def the_relay_dies_before_it_publishes(bench: Bench) -> None:
    bench.lab.arm("orders-worker", "publishing", "before")
    bench.place()


def the_consumer_dies_before_it_commits(bench: Bench) -> None:
    order_id = bench.place()
    bench.lab.arm("orders-worker", "commit of payment.succeeded", "before")
    bench.shopper.pay(order_id, VISA)
    bench.wait_for(order_id, "PAID")


def a_transaction_takes_long(bench: Bench) -> None:
    bench.lab.arm("orders", PLACING, "before", pause_seconds=2)
    with bench.meanwhile(lambda: bench.shopper.place({bench.first: 1})):
        bench.shopper.place({bench.second: 1})


def the_relay_has_much_to_catch_up(bench: Bench) -> None:
    with bench.meanwhile(lambda: freeze(bench.lab, bench.random, "orders-worker", 1.5)):
        bench.shopper.cancel(bench.place())


def an_order_expires(bench: Bench) -> None:
    order_id = bench.place()
    bench.let_expire(order_id)
    bench.wait_for(order_id, "EXPIRED")


def the_time_of_a_paid_order_ends(bench: Bench) -> None:
    bench.let_expire(bench.buy())
    time.sleep(1.5)


def events_come_twice(bench: Bench) -> None:
    bench.buy()
    deliver_again(bench.lab, bench.random, most=20)


def an_order_closes_while_its_payment_succeeds(bench: Bench) -> None:
    order_id = bench.place()
    hold_up_the_webhook(bench)
    bench.lab.arm("payments", CHARGING, "after", pause_seconds=1)
    with bench.meanwhile(lambda: bench.shopper.pay(order_id, VISA)):
        bench.lab.arm("payments", PAYING, "before", pause_seconds=4)
        until(bench.lab.has_struck, 10)
        bench.shopper.cancel(order_id)
