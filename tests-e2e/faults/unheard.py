"""Scenarios of a charge that nobody heard of, until the provider does not know its key any more, or not yet its end."""

import sqlite3
from contextlib import closing, suppress
from typing import Any

from shop import until

from faults.evidence import ledger, rows
from faults.scenarios import CHARGING, Bench, hold_up_the_webhook
from faults.shopper import SILENT, VISA

# A provider forgets keys after 24 h; payments does not trust in one after 23.
AGED = "23 hours 30 minutes"
LATER_SECONDS = 5


def a_payment_outlives_its_key(bench: Bench) -> None:
    """Nobody hears of a charge for a day, and its key is forgotten: it has to be found by its time."""
    order_id, key = bench.place(), bench.shopper.new_key("pay")
    hold_up_the_webhook(bench)
    bench.lab.arm("payments", CHARGING, "after")
    bench.shopper.pay(order_id, VISA, key, tries=1)
    statement = """
        UPDATE payments
        SET created_at = created_at - %(aged)s::interval
        WHERE order_id = %(id)s
        RETURNING id
    """
    for payment in rows(bench.lab, "payments", statement, aged=AGED, id=order_id):
        tell_provider(bench, "DELETE FROM idempotency_keys WHERE key = ?", str(payment["id"]))
    bench.wait_for(order_id, "PAID")
    bench.shopper.pay(order_id, VISA, key)


def a_silent_payment_takes_long(bench: Bench) -> None:
    """The provider names the charge before it knows what becomes of it."""
    order_id = bench.place()
    with bench.meanwhile(lambda: bench.shopper.pay(order_id, SILENT)):
        with suppress(AssertionError):
            until(lambda: taken(bench, order_id))
        for intent in taken(bench, order_id):
            statement = "UPDATE payment_intents SET settle_at = settle_at + ? WHERE id = ?"
            tell_provider(bench, statement, LATER_SECONDS, intent)
    bench.wait_for(order_id, "PAID")


def taken(bench: Bench, order_id: str) -> list[str]:
    """Return the provider's names of an order's payments."""
    listed = ledger(bench.lab, "SELECT payment_intent, metadata FROM balances")
    return [each["payment_intent"] for each in listed if order_id in each["metadata"]]


def tell_provider(bench: Bench, statement: str, *values: Any) -> None:
    """Change what the provider has noted, as only the passing of time would."""
    file = bench.lab.state / "sandbox" / "ledger.sqlite"
    with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
        connection.execute(statement, values)
