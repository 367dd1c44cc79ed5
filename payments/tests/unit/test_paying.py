"""Unit tests of paying: the answer, the refusals, and what is left when something breaks."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from doubles import once

from chassis.errors import Unavailable
from chassis.idempotency import Replay, RequestInProgress
from payments.domain import CardDeclined, OrderNotFound, OrderNotPayable, PaymentExists, PaymentStatus
from payments.service.ports import ProviderUnavailable

DECLINED = "pm_card_visa_chargeDeclinedInsufficientFunds"


class Killed(Exception):
    """The process ends here; nothing catches this."""


CUT = ProviderUnavailable("connection cut")
BEFORE_OR_AFTER = pytest.mark.parametrize("moment", ["before", "after"])


def test_a_payment_charges_what_the_order_is_worth(till):
    order = till.placed(total=4200)
    payment = till.pay(order)
    assert (payment.status, payment.amount, payment.currency) == ("succeeded", 4200, "EUR")
    assert till.provider.charged == {payment.id: 4200}
    assert till.database.tables.ledger == [(payment.id, None, 4200)]
    assert till.events() == ["payment.succeeded"]


def test_the_payment_is_the_keys_answer_and_has_its_id(till):
    order, first = till.placed(), once("key")
    payment = till.payments.pay(order.user_id, order.id, "pm_card_visa", first)
    assert payment.id == first.id
    with pytest.raises(Replay) as again:
        till.pay(order, key="key")
    assert again.value.body == repr(payment).encode()


def test_a_request_that_was_answered_asks_nobody_anything(till):
    order = till.placed()
    till.pay(order, key="key")
    till.orders.known.clear()
    with pytest.raises(Replay):
        till.pay(order, key="key")
    assert till.provider.calls == 1


def test_a_decline_is_told_with_its_reason_and_kept_as_the_keys_answer(till):
    order = till.placed()
    with pytest.raises(CardDeclined) as refusal:
        till.pay(order, DECLINED, key="key")
    assert "insufficient_funds" in refusal.value.detail
    assert till.events() == ["payment.failed"]
    with pytest.raises(Replay) as again:
        till.pay(order, DECLINED, key="key")
    assert again.value.body == repr(refusal.value).encode()


def test_after_a_decline_another_card_can_be_tried(till):
    order = till.placed()
    with pytest.raises(CardDeclined):
        till.pay(order, DECLINED)
    assert till.pay(order).status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_visa_silent"])
def test_an_order_has_one_payment_that_is_processing_or_has_succeeded(till, method):
    order = till.placed()
    till.pay(order, method)
    with pytest.raises(PaymentExists):
        till.pay(order)
    assert len(till.database.tables.payments) == 1


def test_somebody_elses_order_is_not_found(till):
    order = till.placed()
    with pytest.raises(OrderNotFound):
        till.payments.pay(uuid4(), order.id, "pm_card_visa", once())


def test_a_closed_or_expired_order_is_not_charged_and_leaves_nothing(till):
    for order in (replace(till.placed(), open=False), replace(till.placed(), expires_at=till.now)):
        till.orders.known[order.id] = order
        with pytest.raises(OrderNotPayable):
            till.pay(order)
    assert (till.provider.charged, till.database.tables.payments) == ({}, {})


def test_an_order_known_here_as_closed_is_not_payable_whatever_orders_says(till):
    order = till.placed()
    till.close(order)
    with pytest.raises(OrderNotPayable):
        till.pay(order)


def test_while_orders_is_down_the_own_copy_sets_the_price(till):
    order = till.placed(total=700)
    with till.database.transaction() as tx:
        tx.remember_order(order)
    till.orders.down = True
    payment = till.pay(order)
    assert till.provider.charged == {payment.id: 700}
    with pytest.raises(OrderNotFound):
        till.payments.pay(uuid4(), order.id, "pm_card_visa", once())


def test_without_orders_and_without_a_copy_nobody_can_pay(till):
    till.orders.down = True
    with pytest.raises(Unavailable):
        till.pay(till.placed())


@BEFORE_OR_AFTER
def test_an_unknown_outcome_is_answered_as_processing_and_settled_later(till, moment):
    with till.provider.failing(**{moment: CUT}):
        payment = till.pay(till.placed())
    assert payment.status is PaymentStatus.PROCESSING
    till.later(seconds=2)
    assert till.status_of(payment.id) is PaymentStatus.SUCCEEDED
    assert till.provider.charged == {payment.id: payment.amount}


@BEFORE_OR_AFTER
def test_killed_at_the_provider_a_retry_settles_without_a_second_charge(till, moment):
    order = till.placed()
    kill(till, order, **{moment: Killed()})
    payment = till.pay(order, key="key")
    assert payment.status is PaymentStatus.SUCCEEDED
    assert till.provider.charged == {payment.id: order.total}
    assert till.events() == ["payment.succeeded"]


def test_a_retry_after_a_kill_gets_what_the_worker_found_although_the_order_is_paid_by_now(till):
    order = till.placed()
    kill(till, order, after=Killed())
    till.later(seconds=2)
    till.orders.known[order.id] = replace(order, open=False)
    till.now += timedelta(hours=1)
    assert till.pay(order, key="key").status is PaymentStatus.SUCCEEDED
    assert len(till.provider.charged) == 1


def test_a_retry_after_a_kill_gets_the_decline_that_the_worker_found(till):
    order = till.placed()
    kill(till, order, DECLINED, before=Killed())
    till.later(seconds=2)
    with pytest.raises(CardDeclined):
        till.pay(order, DECLINED, key="key")
    assert till.events() == ["payment.failed"]


def test_while_a_request_runs_another_with_its_key_is_told_to_wait(till):
    order = till.placed()
    with till.provider.failing(before=Killed()), pytest.raises(Killed):
        till.pay(order, key="key")
    with pytest.raises(RequestInProgress):
        till.pay(order, key="key")


def kill(till, order, method="pm_card_visa", **moment):
    with till.provider.failing(**moment), pytest.raises(Killed):
        till.pay(order, method, key="key")
    till.restart()
