"""What an operator looks at when something is stuck: metrics, outboxes, dead letters, the provider's books."""

import pytest
import requests
from shop import until
from stacks import run_script

WORKERS = ("outbox_waiting_events", "outbox_oldest_seconds", "outbox_parked_events")
CONSUMERS = (*WORKERS, 'consumer_pending_events{stream="', "dead_letters")
METRICS = {
    "users-worker": CONSUMERS,
    "orders-worker": (
        *CONSUMERS,
        'orders_open{kind="unpaid"}',
        'orders_open_oldest_seconds{kind="refund_owed"}',
    ),
    "payments-worker": (
        *CONSUMERS,
        'payments_open_oldest_seconds{kind="payment"}',
        'payments_open_oldest_seconds{kind="refund"}',
        'payments_divergences{kind="charge_unknown"}',
        "payments_compared_timestamp_seconds",
    ),
    "payments": ('payments_webhooks_total{result="webhook_signature_invalid"}',),
}


@pytest.mark.parametrize("process, names", METRICS.items(), ids=METRICS)
def test_what_may_get_stuck_is_measured(embedded, anyone, process, names):
    forged = anyone.call(
        "POST", "/api/v1/payments/webhooks/stripe", data=b"{}", headers={"Stripe-Signature": "t=1,v1=00"}
    )
    assert forged.json()["code"] == "webhook_signature_invalid"
    address = embedded.processes()[process]["address"]
    assert until(lambda: set(names) <= named(names, f"{address}/metrics"))


def named(names: tuple[str, ...], url: str) -> set[str]:
    lines = requests.get(url, timeout=10).text.splitlines()
    return {name for name in names if any(line.startswith(name) for line in lines)}


def test_outboxes_are_listed_redriven_and_published_once_more(embedded, shopper, sku):
    shopper.order(sku)
    until(lambda: "orders: 0 waiting, 0 parked" in embedded.script("outbox", "list").stdout)
    lines = embedded.script("outbox", "list").stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["users", "orders", "payments"]
    assert (
        embedded.script("outbox", "orders", "redrive").stdout == "orders: 0 parked events are tried again\n"
    )
    again = embedded.script("outbox", "orders", "republish", "--since", "2020-01-01T00:00Z")
    assert again.returncode == 0
    assert int(again.stdout.split()[1]) >= 1


def test_an_order_published_once_more_stays_as_it_is(embedded, shopper, sku):
    order = shopper.order(sku)
    assert shopper.pay(order).status_code == 201
    shopper.until_status(order, "PAID")
    assert embedded.script("outbox", "republish", "--since", "2020-01-01T00:00Z").returncode == 0
    until(lambda: embedded.script("outbox", "list").stdout.count(": 0 waiting, 0 parked") == 3)
    assert shopper.status(order) == "PAID"
    assert len(shopper.get("/api/v1/payments").json()["data"]) == 1


def test_there_are_no_dead_letters(embedded):
    said = embedded.script("dead-letters", "list")
    assert said.stdout == "users: 0 dead letters\norders: 0 dead letters\npayments: 0 dead letters\n"


def test_the_books_agree_with_the_providers(embedded, shopper, sku):
    assert shopper.pay(shopper.order(sku)).status_code == 201
    compared = embedded.script("reconcile")
    assert (compared.returncode, compared.stdout.splitlines()[-1]) == (0, "The books agree.")


@pytest.mark.parametrize("command", ["outbox", "dead-letters", "reconcile"])
def test_where_no_stack_ever_ran_that_is_said(embedded, command):
    refused = run_script(command, "list", SOUK_STATE=str(embedded.state / "none"))
    assert (refused.returncode, refused.stderr) == (1, "Souk was never started: make up\n")
