"""Unit tests of settling: late, doubled and contradicting answers, closed orders, refunds owed."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from doubles import once

from chassis.ids import new_id
from chassis.paging import decode_cursor
from payments.domain import (
    Notice,
    Outcome,
    PaymentNotFound,
    PaymentNotRefundable,
    PaymentStatus,
    RefundOutcome,
    RefundReason,
    RefundStatus,
)
from payments.service.ports import ProviderUnavailable
from payments.service.settling import complete_refund

SILENT = "pm_card_visa_silent"
DECLINED = "pm_card_visa_chargeDeclined"
CUT = ProviderUnavailable("connection cut")


def tell(till, payment, status, notice_id=None):
    outcome = Outcome(
        status=status,
        reference=f"pi_{payment.id.hex}",
        failure_code="expired_card" if status == "failed" else None,
    )
    return till.payments.hear(
        Notice(id=notice_id or str(new_id()), type="test", payment_id=payment.id, outcome=outcome)
    )


def test_a_silent_payment_is_looked_up_by_its_reference_until_it_settles(till):
    payment = till.pay(till.placed(), SILENT)
    till.later(seconds=2)
    assert till.status_of(payment.id) is PaymentStatus.PROCESSING
    till.provider.settle(payment.id, payment.amount)
    till.later(seconds=2)
    assert till.status_of(payment.id) is PaymentStatus.SUCCEEDED


def test_a_payment_is_left_alone_until_it_is_old_enough_and_between_tries(till):
    with till.provider.failing(before=CUT):
        payment = till.pay(till.placed())
        till.later(seconds=1)
        assert till.provider.calls == 1
        till.later(seconds=1)
        till.later(milliseconds=999)
        assert till.provider.calls == 2
    till.later(milliseconds=1)
    assert till.status_of(payment.id) is PaymentStatus.SUCCEEDED


def test_a_claimed_payment_is_nobody_elses_until_its_lease_ends(till):
    till.pay(till.placed(), SILENT)
    till.now += timedelta(seconds=2)
    with till.database.transaction() as tx:
        assert tx.claim_payment(timedelta(seconds=5)) is not None
    with till.database.transaction() as tx:
        assert tx.claim_payment(timedelta(seconds=5)) is None
    till.now += timedelta(seconds=5)
    with till.database.transaction() as tx:
        assert tx.claim_payment(timedelta(seconds=5)) is not None


def test_a_charge_is_not_repeated_once_the_provider_may_have_forgotten_its_key(till):
    with till.provider.failing(before=CUT):
        lost = till.pay(till.placed())
    with till.provider.failing(after=CUT):
        made = till.pay(till.placed())
    till.later(hours=24)
    assert till.status_of(lost.id) is PaymentStatus.FAILED
    assert till.status_of(made.id) is PaymentStatus.SUCCEEDED
    assert till.provider.charged == {made.id: made.amount}


@pytest.mark.parametrize("said", [*permutations(["processing", "succeeded", "failed"])])
def test_whatever_is_told_late_or_twice_the_books_agree_with_the_provider(till, said):
    payment = till.pay(till.placed(), SILENT)
    till.provider.settle(payment.id, payment.amount)
    for status in said * 2:
        tell(till, payment, PaymentStatus(status))
    till.later(seconds=10)
    kept = till.status_of(payment.id) is PaymentStatus.SUCCEEDED
    assert till.provider.refunded == {} if kept else list(till.provider.refunded.values()) == [payment.amount]
    assert sum(amount for *_, amount in till.database.tables.ledger) == (payment.amount if kept else 0)
    assert till.events() == ["payment.succeeded" if kept else "payment.failed"]


def test_a_notice_takes_effect_once_and_an_unknown_one_does_no_harm(till):
    payment = till.pay(till.placed(), SILENT)
    till.provider.settle(payment.id, payment.amount)
    assert tell(till, payment, PaymentStatus.SUCCEEDED, "evt_1")
    assert not tell(till, payment, PaymentStatus.SUCCEEDED, "evt_1")
    assert till.payments.hear(Notice(id="evt_2", type="charge.updated"))
    assert till.payments.hear(
        Notice(id="evt_3", type="test", payment_id=uuid4(), outcome=Outcome(status=PaymentStatus.SUCCEEDED))
    )
    assert till.events() == ["payment.succeeded"]


@pytest.mark.parametrize("closed", ["before", "after"])
def test_a_success_and_a_closing_in_either_order_are_refunded_once(till, closed):
    order = till.placed()
    payment = till.pay(order, SILENT)
    till.provider.settle(payment.id, payment.amount)
    if closed == "before":
        till.close(order)
    till.later(seconds=2)
    till.close(order)
    till.later(seconds=2)
    till.close(order)
    till.later(seconds=2)
    assert list(till.provider.refunded.values()) == [order.total]
    assert [refund.reason for refund in till.refunds()] == [RefundReason.ORDER_CLOSED]
    assert till.events() == ["payment.succeeded", "payment.refunded"]


def test_a_payment_of_an_order_that_closed_meanwhile_is_settled_and_refunded(till):
    order = till.placed()
    with till.provider.failing(after=CUT):
        payment = till.pay(order)
    till.close(order)
    till.later(seconds=2)
    assert till.status_of(payment.id) is PaymentStatus.REFUNDED
    assert till.provider.charged[payment.id] == sum(till.provider.refunded.values())


def test_a_declined_payment_of_a_closed_order_owes_nothing(till):
    order = till.placed()
    with till.provider.failing(before=CUT):
        payment = till.pay(order, DECLINED)
    till.close(order)
    till.later(seconds=2)
    assert (till.status_of(payment.id), till.refunds()) == ("failed", [])


def test_a_refund_that_is_asked_for_is_given_once(till):
    payment, asked = till.pay(till.placed()), once()
    refund = till.payments.refund(payment.id, asked)
    assert (refund.id, refund.status) == (asked.id, RefundStatus.PENDING)
    with pytest.raises(PaymentNotRefundable):
        till.payments.refund(payment.id, once())
    till.later(seconds=1)
    assert till.provider.refunded == {refund.id: payment.amount}
    assert till.status_of(payment.id) is PaymentStatus.REFUNDED
    with pytest.raises(PaymentNotRefundable):
        till.payments.refund(payment.id, once())


def test_only_a_payment_that_succeeded_is_refunded(till):
    processing = till.pay(till.placed(), SILENT)
    with pytest.raises(PaymentNotRefundable):
        till.payments.refund(processing.id, once())
    with pytest.raises(PaymentNotFound):
        till.payments.refund(uuid4(), once())


def test_a_refund_that_is_completed_twice_is_booked_once(till):
    payment = till.pay(till.placed())
    refund = till.payments.refund(payment.id, once())
    till.later(seconds=1)
    with till.database.transaction() as tx:
        complete_refund(tx, refund, RefundOutcome(status=RefundStatus.SUCCEEDED, reference="re_1"))
    till.check_books()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_refund_whose_outcome_is_unknown_is_tried_again_under_its_own_key(till, moment):
    payment = till.pay(till.placed())
    refund = till.payments.refund(payment.id, once())
    with till.provider.failing(**{moment: CUT}):
        assert not till.settlement.refund_next()
    till.later(seconds=1)
    assert till.provider.refunded == {refund.id: payment.amount}
    assert till.events() == ["payment.succeeded", "payment.refunded"]


def test_a_users_payments_come_newest_first_in_pages(till):
    first, other = till.placed(), till.placed()
    paid = [till.pay(first)]
    till.pay(other)
    for _ in range(2):
        order = replace(till.placed(), user_id=first.user_id)
        till.orders.known[order.id] = order
        paid.insert(0, till.pay(order))
    page = till.payments.payments(first.user_id, None, 2)
    assert page.items == paid[:2]
    rest = till.payments.payments(first.user_id, decode_cursor(page.next_cursor), 2)
    assert (rest.items, rest.next_cursor) == (paid[2:], None)


def test_somebody_elses_payment_is_not_found(till):
    payment = till.pay(till.placed())
    assert till.payments.payment(payment.user_id, payment.id) == payment
    for user_id, payment_id in ((uuid4(), payment.id), (payment.user_id, uuid4())):
        with pytest.raises(PaymentNotFound):
            till.payments.payment(user_id, payment_id)
