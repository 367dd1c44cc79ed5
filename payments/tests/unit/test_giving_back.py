"""An operator gives money back that the provider could not."""

from dataclasses import replace
from uuid import uuid4

import pytest
from doubles import Till, once

from payments.domain import NotOwedByHand, PaymentNotFound, PaymentStatus, RefundStatus
from payments.service import note_given_by_hand
from payments.service.ports import ProviderUnavailable

CLOSED = "pm_card_visa_pendingRefundFail"
TRANSFER = "bank transfer 2026-11-20/17"


@pytest.fixture
def till():
    return Till()


@pytest.fixture
def failed(till):
    """A payment whose refund the provider failed."""
    payment = till.pay(till.placed(), CLOSED)
    till.payments.refund(payment.id, once())
    till.later(seconds=1)
    return payment


def note(till, payment, reference=TRANSFER):
    return note_given_by_hand(till.database, till.provider, payment.id, reference)


def test_a_refund_that_failed_stays_open_and_has_a_name(till, failed):
    [refund] = till.refunds()
    assert (refund.status, refund.reference) == (RefundStatus.PENDING, f"re_{refund.id.hex}")
    assert till.events() == ["payment.succeeded"]


def test_money_given_back_by_hand_is_booked_and_told(till, failed):
    assert note(till, failed)
    [refund] = till.refunds()
    assert (refund.status, till.status_of(failed.id)) == (RefundStatus.SUCCEEDED, PaymentStatus.REFUNDED)
    assert till.database.tables.ledger[-1] == (failed.id, refund.id, -failed.amount)
    assert till.events() == ["payment.succeeded", "payment.refunded"]


def test_noting_it_again_changes_nothing(till, failed):
    note(till, failed)
    till.later(minutes=10)
    with till.provider.failing(before=ProviderUnavailable()):
        assert not note(till, failed)
    assert len(till.database.tables.ledger) == 2
    assert till.events() == ["payment.succeeded", "payment.refunded"]


def test_it_is_not_given_back_by_hand_twice(till, failed):
    note(till, failed)
    with pytest.raises(NotOwedByHand, match=TRANSFER):
        note(till, failed, "bank transfer 2026-11-20/18")


def test_a_refund_that_failed_after_it_was_booked_is_noted_and_not_booked_again(till):
    payment = till.pay(till.placed())
    till.payments.refund(payment.id, once())
    till.later(seconds=1)
    till.database.tables.payments[payment.id] = replace(
        till.database.tables.payments[payment.id], payment_method=CLOSED
    )
    assert note(till, payment)
    assert not note(till, payment)
    assert till.events() == ["payment.succeeded", "payment.refunded"]
    assert len(till.database.tables.ledger) == 2


def test_what_the_provider_gave_back_is_not_owed_by_hand(till):
    payment = till.pay(till.placed())
    till.payments.refund(payment.id, once())
    till.later(seconds=1)
    with pytest.raises(NotOwedByHand, match="succeeded"):
        note(till, payment)


def test_what_the_provider_was_not_asked_for_is_not_owed_by_hand(till):
    payment = till.pay(till.placed(), CLOSED)
    with pytest.raises(NotOwedByHand):
        note(till, payment)
    till.payments.refund(payment.id, once())
    with pytest.raises(NotOwedByHand, match="not begun"):
        note(till, payment)
    with pytest.raises(PaymentNotFound):
        note_given_by_hand(till.database, till.provider, uuid4(), TRANSFER)


def test_without_the_providers_word_nothing_is_booked(till, failed):
    with till.provider.failing(before=ProviderUnavailable()), pytest.raises(ProviderUnavailable):
        note(till, failed)
    assert till.status_of(failed.id) is PaymentStatus.SUCCEEDED
