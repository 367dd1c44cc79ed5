"""A refund that Stripe fails, on PostgreSQL and the sandbox: what an operator sees, types and sees then."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from samples import API_KEY, WEBHOOK_SECRETS

from payments.service import Kind, Settlement, note_given_by_hand
from payments.stripe_parts import create_provider, create_reconciliation

TRANSFER = "bank transfer 2026-11-20/17"


@pytest.fixture
def refunded(anna, admin, placed, settings, database, sandbox, until):
    """Pay with a card, give it back, and wait until Stripe has failed the refund: `refunded(method)`."""

    def refunded(method: str) -> str:
        payment_id = anna.pay(placed(anna), method).json["id"]
        assert admin.refund(payment_id).status_code == 201
        assert Settlement(database, create_provider(settings), timedelta(seconds=5)).refund_next()
        [intent] = sandbox.intents_of(payment_id)
        [refund] = sandbox.client().v1.refunds.list({"payment_intent": intent.id})
        until(lambda: sandbox.client().v1.refunds.retrieve(refund.id).status == "failed")
        return payment_id

    return refunded


@pytest.fixture
def settle_refund(settings):
    """Type the command; returns its exit code and what it said."""
    environment = {
        "PAYMENTS_DB_URL": settings.db_url.reveal(),
        "PAYMENTS_TRUST_BUNDLE_FILE": str(settings.trust_bundle_file),
        "PAYMENTS_SIGNING_KEY_FILE": str(settings.signing_key_file),
        "PAYMENTS_ORDERS_URL": settings.orders_url,
        "PAYMENTS_STRIPE_API_BASE": settings.stripe_api_base,
        "PAYMENTS_STRIPE_API_KEY": API_KEY,
        "PAYMENTS_STRIPE_WEBHOOK_SECRETS": ",".join(WEBHOOK_SECRETS),
    }

    def settle_refund(payment_id: str, **changed: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "payments.reconcile", "settle-refund", payment_id]
        ran = subprocess.run(
            [*command, "--reference", TRANSFER],
            env=os.environ | environment | changed,
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stdout + ran.stderr

    return settle_refund


def rows_of(database, statement):
    with database.read() as one:
        return [tuple(row.values()) for row in one.conn.execute(statement)]


def of(report, payment_id):
    return [each.kind for each in report.divergences if each.payment_id == UUID(payment_id)]


def test_a_pending_refund_that_fails_is_closed_by_the_command(refunded, settle_refund, settings, database):
    payment_id = refunded("pm_card_visa_pendingRefundFail")
    code, said = settle_refund(payment_id)
    assert (code, TRANSFER in said) == (0, True)
    code, said = settle_refund(payment_id)
    assert (code, "before" in said) == (0, True)
    assert rows_of(database, "SELECT status FROM refunds") == [("succeeded",)]
    assert rows_of(
        database, "SELECT sum(amount), max(reference) FILTER (WHERE amount < 0) FROM ledger_entries"
    ) == [(0, TRANSFER)]
    told = rows_of(database, "SELECT type FROM outbox ORDER BY position")
    assert told == [("payment.succeeded",), ("payment.refunded",)]
    report = create_reconciliation(settings, database).compare_recent()
    assert of(report, payment_id) == []
    assert [(str(each.payment_id), each.by_hand) for each in report.by_hand] == [(payment_id, TRANSFER)]


def test_a_refund_that_fails_after_it_was_booked_diverges_until_the_command(
    refunded, settle_refund, settings, database
):
    payment_id = refunded("pm_card_refundFail")
    reconciliation = create_reconciliation(settings, database)
    assert of(reconciliation.compare_recent(), payment_id) == [Kind.REFUND_MISSING]
    assert settle_refund(payment_id)[0] == 0
    assert of(reconciliation.compare_recent(), payment_id) == []
    told = rows_of(database, "SELECT type FROM outbox ORDER BY position")
    assert told == [("payment.succeeded",), ("payment.refunded",)]


def test_the_command_refuses_what_stripe_has_not_failed(anna, placed, settle_refund, database):
    payment_id = anna.pay(placed(anna)).json["id"]
    code, said = settle_refund(payment_id)
    assert (code, len(said.splitlines())) == (65, 1)
    assert "not begun" in said
    assert rows_of(database, "SELECT count(*) FROM given_by_hand") == [(0,)]


def test_the_command_books_nothing_without_stripes_word(refunded, settle_refund, database):
    payment_id = refunded("pm_card_visa_pendingRefundFail")
    code, said = settle_refund(payment_id, PAYMENTS_STRIPE_API_KEY="sk_test_wrong")
    assert (code, "AuthenticationError 401" in said) == (69, True)
    assert rows_of(database, "SELECT status FROM refunds") == [("pending",)]


def test_two_operators_at_once_book_it_once(refunded, settings, database):
    payment_id, provider = UUID(refunded("pm_card_visa_pendingRefundFail")), create_provider(settings)
    with ThreadPoolExecutor(4) as operators:
        done = operators.map(lambda _: note_given_by_hand(database, provider, payment_id, TRANSFER), range(4))
        assert sorted(done) == [False, False, False, True]
    assert rows_of(database, "SELECT count(*) FROM ledger_entries") == [(2,)]
