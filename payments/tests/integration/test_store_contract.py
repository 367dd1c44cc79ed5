"""The contract of the store, held by PostgreSQL and by the double of the unit tests alike."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from doubles import memory_database
from samples import payment_by, refund_of

from chassis.ids import new_id
from payments.domain import Notice, Order, PaymentExists, PaymentStatus, RefundOutcome, RefundStatus

LEASE = timedelta(seconds=60)
NOW = timedelta(0)


@pytest.fixture(params=["memory", "postgres"])
def store(request):
    return memory_database() if request.param == "memory" else request.getfixturevalue("database")


@pytest.fixture
def order():
    expires_at = datetime.now(UTC) + timedelta(minutes=15)
    return Order(id=new_id(), user_id=new_id(), total=1999, currency="EUR", expires_at=expires_at)


@pytest.fixture
def add(store, order):
    """Put a payment of the order into the store, due after a while."""

    def add(due_in=NOW, **values):
        payment = payment_by(order_id=order.id, user_id=order.user_id, **values)
        with store.transaction() as tx:
            tx.remember_order(order)
            tx.add_payment(payment, settle_at=tx.now + due_in)
        return payment

    return add


def succeed(store, payment):
    payment = payment.known_as(f"pi_{payment.id.hex}").become(PaymentStatus.SUCCEEDED, payment.updated_at)
    with store.transaction() as tx:
        tx.move_payment(payment)
    return payment


def test_an_order_is_remembered_and_once_closed_stays_so(store, order):
    with store.transaction() as tx:
        assert tx.remember_order(order) == tx.order(order.id) == order
        tx.close_order(order)
        assert tx.remember_order(order) == tx.order(order.id) == replace(order, open=False)


def test_an_order_may_close_before_it_was_heard_of(store, order):
    with store.transaction() as tx:
        tx.close_order(order)
        tx.close_order(order)
        assert tx.remember_order(order).open is False


def test_whether_another_service_calls_it_open_is_not_remembered(store, order):
    with store.transaction() as tx:
        assert tx.remember_order(replace(order, open=False)).open


def test_a_payment_is_read_as_it_was_added(store, order, add):
    payment = add()
    with store.read() as one:
        assert one.payment(payment.id) == payment
        assert one.lock_order_of(payment.id) == order
        assert one.payment(new_id()) is one.lock_order_of(new_id()) is None


def test_an_order_has_one_payment_that_is_processing_or_has_succeeded(store, add):
    first = add()
    with pytest.raises(PaymentExists):
        add()
    first = succeed(store, first)
    with pytest.raises(PaymentExists):
        add()
    with store.transaction() as tx:
        tx.move_payment(first.become(PaymentStatus.REFUNDED, first.updated_at), refund_of(first))
    add()


def test_a_move_is_stored_and_can_be_found_by_its_order(store, order, add):
    payment = add()
    with store.read() as one:
        assert one.succeeded_payment_of(order.id) is None
    succeeded = succeed(store, payment)
    with store.read() as one:
        assert one.payment(payment.id) == one.succeeded_payment_of(order.id) == succeeded


def test_what_fails_in_a_transaction_was_never_there(store, order, add):
    payment = add()
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.close_order(order)
        tx.move_payment(payment.become(PaymentStatus.FAILED, payment.updated_at, "expired_card"))
        raise ZeroDivisionError
    with store.read() as one:
        assert (one.payment(payment.id), one.order(order.id)) == (payment, order)


def test_the_first_reference_is_kept(store, add):
    payment = add()
    with store.transaction() as tx:
        for reference in ("pi_1", "pi_2", None):
            tx.note_reference(payment.known_as(reference))
        assert tx.payment(payment.id).reference == "pi_1"


def test_a_payment_is_claimed_when_it_is_due_and_by_one_at_a_time(store, add):
    payment = add(due_in=timedelta(minutes=1))
    with store.transaction() as tx:
        assert tx.claim_payment(LEASE) is None
        tx.postpone_payment(payment, NOW)
    with store.transaction() as tx:
        assert tx.claim_payment(LEASE) == payment
    with store.transaction() as tx:
        assert tx.claim_payment(LEASE) is None
        tx.postpone_payment(payment, NOW)
    with store.transaction() as tx:
        assert tx.claim_payment(NOW) == payment


def test_a_settled_payment_is_never_due_again(store, add):
    payment = succeed(store, add())
    with store.transaction() as tx:
        tx.postpone_payment(payment, NOW)
        assert tx.claim_payment(LEASE) is None


def test_a_payment_has_one_refund_which_is_due_at_once_until_it_is_settled(store, add):
    payment = succeed(store, add())
    refund = refund_of(payment)
    with store.transaction() as tx:
        assert tx.add_refund(refund)
        assert not tx.add_refund(replace(refund, id=new_id()))
        assert tx.refund(refund.id) == refund
        assert tx.claim_refund(LEASE) == refund
        assert tx.claim_refund(LEASE) is None
    pending = refund.become(RefundOutcome(status=RefundStatus.PENDING, reference="re_1"), refund.updated_at)
    with store.transaction() as tx:
        tx.save_refund(pending)
        tx.postpone_refund(pending, NOW)
    settled = pending.become(RefundOutcome(status=RefundStatus.SUCCEEDED), refund.updated_at)
    with store.transaction() as tx:
        assert tx.claim_refund(LEASE) == pending
        tx.save_refund(settled)
        tx.postpone_refund(settled, NOW)
        assert tx.claim_refund(LEASE) is None
        assert tx.refund(refund.id) == settled


def test_what_was_given_by_hand_is_known_by_its_refund(store, add):
    payment = succeed(store, add())
    refund = refund_of(payment)
    with store.transaction() as tx:
        assert tx.refund_of(payment.id) is None
        tx.add_refund(refund)
        assert tx.refund_of(payment.id) == refund
        assert tx.given_by_hand(refund.id) is None
        tx.note_given_by_hand(refund.id, "bank transfer 17")
    with store.read() as one:
        assert one.given_by_hand(refund.id) == "bank transfer 17"


def test_a_notice_is_new_once_until_it_is_forgotten(store):
    notice = Notice(id="evt_1", type="payment_intent.succeeded")
    with store.transaction() as tx:
        assert tx.note_notice(notice)
        assert not tx.note_notice(notice)
        tx.forget_notices(LEASE)
        assert not tx.note_notice(notice)
        tx.forget_notices(-LEASE)
        assert tx.note_notice(notice)


def test_a_users_payments_are_listed_newest_first_from_a_position_on(store, order, add):
    paid = [succeed_and_refund(store, add()) for _ in range(3)][::-1]
    with store.read() as one:
        assert one.payments_before(None, order.user_id, 2) == paid[:2]
        assert one.payments_before(paid[1].id, order.user_id, 2) == paid[2:]
        assert one.payments_before(None, new_id(), 2) == []


def succeed_and_refund(store, payment):
    refunded = succeed(store, payment).become(PaymentStatus.REFUNDED, payment.updated_at)
    with store.transaction() as tx:
        tx.move_payment(refunded, refund_of(payment))
    return refunded
