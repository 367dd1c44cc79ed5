"""The two books compared: our ledger on PostgreSQL, and the sandbox's through Stripe's adapter."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY
from samples import API_KEY, payment_by

from payments import metrics, reconcile
from payments.domain import Order, PaymentStatus
from payments.rounds import comparisons
from payments.service import Kind, Settlement
from payments.service.ports import ProviderUnavailable
from payments.stripe_parts import create_reconciliation
from payments.stripe_provider import StripeProvider


@pytest.fixture
def compare(settings, database, sandbox):
    """Compare the books; what other tests left in the sandbox's is not looked at."""
    others = {each.id for each in sandbox.client().v1.payment_intents.list({"limit": 100}).auto_paging_iter()}

    def compare():
        report = create_reconciliation(settings, database).compare_recent()
        report.divergences = [each for each in report.divergences if each.reference not in others]
        return report

    return compare


def kinds(report) -> list[Kind]:
    return [each.kind for each in report.divergences]


def edit(settings, statement: str, *values: object) -> None:
    """Change what the service itself may not."""
    with psycopg.connect(settings.db_owner_url.reveal()) as owner:
        owner.execute(statement, values)


def charge(sandbox, **metadata: str) -> str:
    """Charge past the service."""
    return (
        sandbox.client()
        .v1.payment_intents.create(
            {
                "amount": 1999,
                "currency": "eur",
                "payment_method": "pm_card_visa",
                "confirm": True,
                "metadata": metadata,
            }
        )
        .id
    )


@pytest.fixture
def paid(anna, placed):
    return anna.pay(placed(anna)).json


@pytest.fixture
def refunded(admin, paid, settings, database):
    """A payment that was given back."""
    assert admin.refund(paid["id"]).status_code == 201
    provider = StripeProvider(API_KEY, settings.stripe_api_base, 5)
    assert Settlement(database, provider, timedelta(seconds=5)).refund_next()
    return paid


def test_books_that_agree(compare, paid, refunded, anna, placed):
    assert anna.pay(placed(anna), "pm_card_visa_chargeDeclined").status_code == 402
    report = compare()
    assert (report.divergences, report.settled, report.entries) == ([], [], 2)


def test_a_charge_nobody_noticed_is_booked(compare, database, sandbox):
    payment = payment_by()
    order = Order(
        id=payment.order_id,
        user_id=payment.user_id,
        total=payment.amount,
        currency="EUR",
        expires_at=payment.created_at,
    )
    with database.transaction() as tx:
        tx.remember_order(order)
        tx.add_payment(payment, settle_at=payment.created_at + timedelta(hours=1))
    charge(sandbox, payment_id=str(payment.id))
    report = compare()
    assert (report.settled, report.divergences) == ([payment.id], [])
    with database.read() as one:
        assert one.payment(payment.id).status is PaymentStatus.SUCCEEDED
    assert compare().settled == []


def test_a_charge_for_a_payment_that_is_not_here(compare, sandbox):
    payment = payment_by()
    reference = charge(sandbox, payment_id=str(payment.id))
    [found] = compare().divergences
    assert (found.kind, found.reference, found.payment_id) == (Kind.CHARGE_UNKNOWN, reference, payment.id)
    assert (found.here, found.there) == ("nothing", "1999 EUR")


def test_a_charge_that_somebody_else_made_is_not_ours(compare, sandbox):
    charge(sandbox, shop="another")
    assert compare().divergences == []


def test_a_second_charge_for_one_payment(compare, paid, sandbox):
    second = charge(sandbox, payment_id=paid["id"])
    [found] = compare().divergences
    assert (found.kind, found.reference, found.payment_id) == (Kind.CHARGED_TWICE, second, UUID(paid["id"]))


def test_another_amount(compare, paid, settings):
    edit(settings, "UPDATE ledger_entries SET amount = 2000")
    [found] = compare().divergences
    assert (found.kind, found.here, found.there) == (Kind.CHARGE_DIFFERS, "2000 EUR", "1999 EUR")


def test_a_charge_that_the_provider_does_not_have(compare, paid, settings):
    edit(settings, "UPDATE ledger_entries SET reference = 'pi_nowhere'")
    assert Kind.CHARGE_MISSING in kinds(compare())


def test_a_refund_that_the_provider_does_not_have(compare, refunded, settings):
    edit(settings, "UPDATE ledger_entries SET reference = 're_nowhere' WHERE refund_id IS NOT NULL")
    assert kinds(compare()) == [Kind.REFUND_MISSING]


def test_a_refund_of_another_amount(compare, refunded, settings):
    edit(settings, "UPDATE ledger_entries SET amount = -1 WHERE refund_id IS NOT NULL")
    assert kinds(compare()) == [Kind.REFUND_DIFFERS]


def test_what_was_given_back_past_the_service(compare, paid, sandbox):
    [intent] = sandbox.intents_of(paid["id"])
    sandbox.client().v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    [found] = compare().divergences
    assert (found.kind, found.payment_id) == (Kind.REFUND_UNKNOWN, UUID(paid["id"]))
    assert found.there == f"500 EUR of {intent.id}"


def test_a_refund_that_is_on_its_way_does_not_diverge(compare, paid, admin, sandbox):
    assert admin.refund(paid["id"]).status_code == 201
    [intent] = sandbox.intents_of(paid["id"])
    sandbox.client().v1.refunds.create({"payment_intent": intent.id})
    assert compare().divergences == []


def test_a_long_book_is_read_page_by_page(compare, sandbox):
    for _ in range(105):
        charge(sandbox, payment_id=str(payment_by().id))
    assert kinds(compare()) == [Kind.CHARGE_UNKNOWN] * 105


def test_every_kind_is_a_metric(compare, paid, settings):
    edit(settings, "UPDATE ledger_entries SET amount = 2000")
    metrics.tell(compare())
    told = {
        kind: REGISTRY.get_sample_value("payments_divergences", {"kind": kind})
        for kind in (Kind.CHARGE_DIFFERS, Kind.CHARGE_UNKNOWN)
    }
    assert told == {Kind.CHARGE_DIFFERS: 1, Kind.CHARGE_UNKNOWN: 0}


def test_a_person_is_told_in_a_table(compare, paid, settings):
    assert reconcile.lines(compare())[-1] == "The books agree."
    edit(settings, "UPDATE ledger_entries SET amount = 2000")
    [*_, row] = reconcile.lines(compare())
    assert row.split()[:2] == ["charge_differs", paid["id"]]
    assert row.endswith("1999 EUR")


def test_what_is_open_is_shown_first(anna, placed, database):
    assert reconcile.open_lines([]) == ["Nothing is open."]
    payment = anna.pay(placed(anna), "pm_card_visa_silent").json
    with database.read() as one:
        [_, row] = reconcile.open_lines(one.still_open(50))
    assert row.split()[:3] == ["payment", payment["id"], payment["id"]]
    assert "  pi_" in row


def test_a_provider_that_does_not_answer_is_no_divergence(settings, database, paid):
    gone = replace(settings, stripe_api_base="http://127.0.0.1:9")
    reconciliation = create_reconciliation(gone, database)
    with pytest.raises(ProviderUnavailable):
        reconciliation.compare_recent()
    before = REGISTRY.get_sample_value("payments_compared_timestamp_seconds")
    comparisons(reconciliation)()
    assert REGISTRY.get_sample_value("payments_compared_timestamp_seconds") == before
