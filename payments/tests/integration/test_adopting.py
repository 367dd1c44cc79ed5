"""A database that was put back from a backup, and what the provider's books bring back into it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from processes import SERVICE_FOLDER, environ_of
from samples import API_KEY

from payments.domain import PaymentStatus, RefundStatus
from payments.service import Settlement, close_order
from payments.stripe_parts import create_adoption, create_reconciliation
from payments.stripe_provider import StripeProvider

LOST = "given_by_hand, ledger_entries, refunds, payments, outbox, inbox, idempotency_keys"


@pytest.fixture
def lose(settings):
    """Lose what a backup from before the payments lacks; orders' events have come again, or not."""

    def lose(*more: str) -> None:
        with psycopg.connect(settings.db_owner_url.reveal()) as owner:
            owner.execute(f"TRUNCATE {', '.join([LOST, *more])}")

    return lose


@pytest.fixture
def adopt(settings, database, sandbox):
    """Take in, of what is there, what this test charged."""
    others = {each.id for each in sandbox.client().v1.payment_intents.list({"limit": 100}).auto_paging_iter()}

    def adopt():
        found = create_adoption(settings, database).adopt(datetime.now(UTC) - timedelta(minutes=1))
        found.left = [each for each in found.left if each.charge.reference not in others]
        return found

    return adopt


def ledger(database):
    with database.read() as one:
        return one.conn.execute(
            "SELECT payment_id, refund_id IS NOT NULL AS back, amount, reference FROM ledger_entries ORDER BY position"
        ).fetchall()


def give_back(settings, database):
    return Settlement(
        database, StripeProvider(API_KEY, settings.stripe_api_base, 5), timedelta(seconds=5)
    ).refund_next()


def test_a_payment_comes_back_as_it_was_under_its_own_id(anna, placed, database, adopt, lose, settings):
    paid = anna.pay(placed(anna)).json
    booked = ledger(database)
    lose()
    assert [each.id for each in adopt().payments] != []
    shown = anna.call("GET", f"/{paid['id']}").json
    changing = ("updated_at", "created_at")
    assert {k: v for k, v in shown.items() if k not in changing} == {
        k: v for k, v in paid.items() if k not in changing
    }
    assert ledger(database) == booked
    with database.read() as one:
        assert one.conn.execute("SELECT type, version FROM outbox").fetchall() == [
            {"type": "payment.succeeded", "version": 2}
        ]
    assert adopt().payments == []
    window = create_reconciliation(settings, database).compare(datetime.now(UTC) - timedelta(minutes=1))
    assert paid["id"] not in {str(each.payment_id) for each in window.divergences}


def test_a_charge_whose_order_is_not_known_yet_is_left_alone(anna, placed, adopt, lose):
    paid = anna.pay(placed(anna)).json
    lose("orders")
    found = adopt()
    assert (found.payments, [str(each.charge.payment_id) for each in found.left]) == ([], [paid["id"]])
    assert found.left[0].why == "its order is not known here"


def test_a_charge_of_another_sum_than_the_orders_is_left_alone(anna, placed, adopt, lose, settings):
    anna.pay(placed(anna))
    lose()
    with psycopg.connect(settings.db_owner_url.reveal()) as owner:
        owner.execute("UPDATE orders SET total = total + 1")
    found = adopt()
    assert (found.payments, [each.why for each in found.left]) == ([], ["its order is of 2000 EUR"])


def test_an_order_that_was_paid_again_keeps_its_payment(anna, placed, adopt, lose):
    order = placed(anna)
    anna.pay(order)
    lose()
    again = anna.pay(order).json
    found = adopt()
    assert (found.payments, len(found.left)) == ([], 1)
    assert str(found.left[0].charge.payment_id) != again["id"]


def test_a_declined_card_is_no_payment_to_take_in(anna, placed, adopt, lose):
    anna.pay(placed(anna), "pm_card_visa_chargeDeclined")
    lose()
    found = adopt()
    assert (found.payments, found.left) == ([], [])


def test_what_was_given_back_is_not_given_back_again(anna, admin, placed, adopt, lose, settings, database):
    paid = anna.pay(placed(anna)).json
    assert admin.refund(paid["id"]).status_code == 201
    assert give_back(settings, database)
    booked = ledger(database)
    lose()
    found = adopt()
    assert ([str(each.id) for each in found.payments], [str(each) for each in found.given_back]) == (
        [paid["id"]],
        [paid["id"]],
    )
    assert give_back(settings, database)
    assert anna.call("GET", f"/{paid['id']}").json["status"] == "refunded"
    assert [(each["back"], each["amount"], each["reference"]) for each in ledger(database)] == [
        (each["back"], each["amount"], each["reference"]) for each in booked
    ]


def test_a_payment_of_an_order_that_closed_meanwhile_is_given_back(
    anna, placed, adopt, lose, database, settings
):
    order = placed(anna)
    paid = anna.pay(order).json
    lose()
    with database.transaction() as tx:
        close_order(tx, order)
    [payment] = adopt().payments
    assert (str(payment.id), payment.status) == (paid["id"], PaymentStatus.SUCCEEDED)
    assert give_back(settings, database)
    with database.read() as one:
        assert one.refund_of(payment.id).status is RefundStatus.SUCCEEDED


def test_the_command_says_what_it_took_in(anna, placed, lose, database, settings):
    paid = anna.pay(placed(anna)).json
    lose()
    since = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    command = [sys.executable, "-m", "payments.reconcile", "adopt", "--since", since]
    env = os.environ | environ_of(settings)
    done = subprocess.run(command, cwd=SERVICE_FOLDER, env=env, capture_output=True, text=True)
    taken_in = f"taken in: payment {paid['id']} of order {paid['order_id']}, 1999 EUR, succeeded"
    assert taken_in in done.stdout, done.stderr
