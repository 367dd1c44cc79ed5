"""Killed in the middle: the ledger, its keys, its settlements and its webhooks are all still there."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import stripe


def test_what_was_answered_is_there_after_a_kill(make_sandbox, paying):
    sandbox = make_sandbox()
    client = sandbox.client()
    intent = client.v1.payment_intents.create(paying(), {"idempotency_key": "kept"})
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 5})
    sandbox.kill()
    sandbox.start()
    assert client.v1.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()
    assert client.v1.refunds.retrieve(refund.id).amount == 5
    again = client.v1.payment_intents.create(paying(), {"idempotency_key": "kept"})
    assert again.last_response.body == intent.last_response.body


def test_a_silent_payment_settles_after_a_kill_and_is_told(make_sandbox, receiver, paying, until):
    sandbox = make_sandbox(SANDBOX_WEBHOOK_URL=receiver.url, SANDBOX_SETTLE_DELAY_SECONDS="2")
    client = sandbox.client()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(paying("pm_card_visa_silent"), {"idempotency_key": "silent"})
    sandbox.kill()
    assert receiver.received == []
    sandbox.start()
    [event] = until(lambda: receiver.events("payment_intent.succeeded"))
    replay = client.v1.payment_intents.create(paying("pm_card_visa_silent"), {"idempotency_key": "silent"})
    assert (replay.id, replay.status) == (event.data.object["id"], "succeeded")


def test_webhooks_that_nobody_took_are_sent_after_a_kill(make_sandbox, receiver, paying, until):
    receiver.status = 503
    sandbox = make_sandbox(SANDBOX_WEBHOOK_URL=receiver.url)
    intents = [sandbox.client().v1.payment_intents.create(paying()).id for _ in range(3)]
    sandbox.kill()
    receiver.received.clear()
    receiver.status = 200
    sandbox.start()
    told = until(
        lambda: (events := receiver.events("payment_intent.succeeded")) and len(events) >= 3 and events
    )
    assert {event.data.object["id"] for event in told} == set(intents)


def test_one_key_has_one_effect_however_often_it_is_killed(make_sandbox, paying, until):
    sandbox = make_sandbox()
    keys = [{"idempotency_key": f"order-{number}"} for number in range(30)]

    def pay(key):
        try:
            return sandbox.client(timeout_seconds=5).v1.payment_intents.create(paying(), key).id
        except stripe.APIConnectionError:
            return None

    for _ in range(2):
        with ThreadPoolExecutor(6) as pool:
            paid = [pool.submit(pay, key) for key in keys]
            until(lambda paid=paid: sum(each.done() for each in paid) >= 8)
            sandbox.kill()
        sandbox.start()
    for key in keys:
        until(lambda key=key: pay(key))
    with closing(sqlite3.connect(sandbox.ledger)) as ledger:
        [(charges, charged)] = ledger.execute("SELECT COUNT(*), SUM(amount) FROM charges").fetchall()
        [(keys_with_intents,)] = ledger.execute(
            "SELECT COUNT(DISTINCT idempotency_key) FROM balances WHERE charged = 1999"
        ).fetchall()
    assert (charges, charged, keys_with_intents) == (30, 30 * 1999, 30)
