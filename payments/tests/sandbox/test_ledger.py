"""The ledger as a witness: written once, never changed, readable by anybody with SQLite."""

import sqlite3
from contextlib import closing

import pytest

from sandbox import confirmations, intents, refunds
from sandbox.errors import NotPossible
from sandbox.idempotency import KEY_LIFETIME_SECONDS, Asked, IdempotencyKeys
from sandbox.ledger import Ledger
from sandbox.methods import METHODS


@pytest.fixture
def clock():
    return [1_800_000_000.0]


@pytest.fixture
def ledger(tmp_path, clock):
    return Ledger(tmp_path / "ledger.sqlite", clock=lambda: clock[0])


def pay(tx, method="pm_card_visa", settle_delay_seconds=3.0):
    new = intents.NewIntent(
        amount=1000, currency="eur", confirm=True, method=METHODS[method], description=None, metadata={}
    )
    return confirmations.confirm(tx, intents.create(tx, new), None, settle_delay_seconds)


def refund(tx, intent_id, amount=None):
    return refunds.create(
        tx,
        refunds.NewRefund(payment_intent=intent_id, charge=None, amount=amount, reason=None, metadata={}),
        fail_delay_seconds=0,
    )


@pytest.mark.parametrize("table", ["charges", "refunds"])
@pytest.mark.parametrize("change", ["UPDATE {} SET amount = 1", "DELETE FROM {}"])
def test_money_that_moved_cannot_be_rewritten(ledger, tmp_path, table, change):
    with ledger.transaction() as tx:
        refund(tx, pay(tx).body["id"], 400)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as other:
        with pytest.raises(sqlite3.IntegrityError, match="never"):
            other.execute(change.format(table))
        [balance] = other.execute("SELECT charged, refunded FROM balances").fetchall()
    assert balance == (1000, 400)


def test_the_ledger_itself_refuses_a_second_charge_and_too_large_a_refund(ledger):
    with ledger.transaction() as tx:
        intent = pay(tx).body
    copy = (
        "INSERT INTO {0} SELECT NULL, id || 'x', {1} FROM {0}",
        "created, payment_intent, amount, currency, status, payment_method",
        "created, charge, payment_intent, 501, currency, reason, metadata, NULL",
    )
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), ledger.transaction() as tx:
        tx.write(copy[0].format("charges", copy[1]))
    with ledger.transaction() as tx:
        refund(tx, intent["id"], 500)
    with pytest.raises(sqlite3.IntegrityError, match="exceed"), ledger.transaction() as tx:
        tx.write(copy[0].format("refunds", copy[2]))


def test_a_transaction_is_on_the_disk_when_it_ends(ledger):
    with ledger.transaction() as tx:
        assert tx.one("PRAGMA synchronous") == {"synchronous": 2}
        assert tx.one("PRAGMA journal_mode") == {"journal_mode": "wal"}


def test_a_transaction_that_fails_leaves_nothing(ledger):
    with pytest.raises(RuntimeError), ledger.transaction() as tx:
        pay(tx)
        raise RuntimeError
    with ledger.transaction() as tx:
        assert tx.all("SELECT id FROM payment_intents") == []


def test_an_intent_settles_when_its_time_has_come_and_once(ledger, clock):
    settling = confirmations.Settling(ledger)
    with ledger.transaction() as tx:
        pay(tx, "pm_card_visa_silent", 3.0)
    assert settling.step() == 3.0
    clock[0] += 3
    settling.step()
    settling.step()
    with ledger.transaction() as tx:
        assert [row["charged"] for row in tx.all("SELECT charged FROM balances")] == [1000]
        assert len(tx.all("SELECT id FROM events")) == 1


def test_an_intent_in_processing_is_neither_confirmed_again_nor_canceled(ledger):
    with ledger.transaction() as tx:
        taken = pay(tx, "pm_card_visa_silent").body
        assert (taken["status"], taken["latest_charge"]) == ("processing", None)
        with pytest.raises(NotPossible, match="status of processing"):
            confirmations.confirm(tx, taken["id"], None, 3.0)
        with pytest.raises(NotPossible, match="status of processing"):
            intents.cancel(tx, taken["id"], None)


def test_a_silent_payment_is_replayed_as_processing_until_it_settles(ledger, clock):
    keys, asked = IdempotencyKeys(ledger), Asked("silent", "/v1/payment_intents", ())
    taken = keys.once(asked, lambda tx: pay(tx, "pm_card_visa_silent")).body
    assert keys.once(asked, pay).body == taken
    clock[0] += 3
    confirmations.Settling(ledger).step()
    settled = keys.once(asked, pay)
    assert (settled.replayed, settled.body["id"], settled.body["status"]) == (True, taken["id"], "succeeded")


def test_a_key_is_forgotten_after_a_day(ledger, clock):
    keys, asked = IdempotencyKeys(ledger), Asked("daily", "/v1/payment_intents", ())
    first = keys.once(asked, pay)
    clock[0] += KEY_LIFETIME_SECONDS - 1
    assert keys.once(asked, pay).body == first.body
    clock[0] += 1
    assert keys.once(asked, pay).body != first.body
