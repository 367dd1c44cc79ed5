"""The use cases of the worker: bring every open payment and every refund that is owed to its end."""

import logging
import time
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

from chassis import context
from chassis.context import RequestContext
from chassis.ids import new_id
from payments.domain import (
    Outcome,
    Payment,
    PaymentStatus,
    Refund,
    RefundOutcome,
    RefundReason,
    RefundStatus,
    retry_delay,
)
from payments.service.ports import Database, Provider, ProviderUnavailable, Transaction

logger = logging.getLogger(__name__)

UNKNOWN = Outcome(status=PaymentStatus.PROCESSING)
UNKNOWN_REFUND = RefundOutcome(status=RefundStatus.PENDING)
NEVER_CHARGED = Outcome(status=PaymentStatus.FAILED, failure_code="never_charged")
# Stripe repeats a webhook that is not taken for three days.
NOTICES_KEPT = timedelta(days=30)


class Settlement:
    """What the workers do again and again. Several may run: each row has one claim at a time, which is given up when
    the worker dies."""

    def __init__(self, database: Database, provider: Provider, lease: timedelta) -> None:
        self._database = database
        self._provider = provider
        self._lease = lease

    def settle_next(self) -> bool:
        """Settle one payment that is due; False if there was none, or the provider gave no answer."""
        with self._database.transaction() as tx:
            payment = tx.claim_payment(self._lease)
            now = tx.now
        if payment is None:
            return False
        with self._bounded_by_lease():
            outcome = outcome_of(payment, self._provider, now)
        with self._database.transaction() as tx:
            payment = settle(tx, payment.id, outcome) or payment
            if payment.status is PaymentStatus.PROCESSING:
                tx.postpone_payment(payment, retry_delay(payment.created_at, tx.now))
        return outcome is not UNKNOWN

    def refund_next(self) -> bool:
        """Give back one payment that is owed; False if there was none, or the provider gave no answer."""
        with self._database.transaction() as tx:
            refund = tx.claim_refund(self._lease)
            payment = tx.payment(refund.payment_id) if refund else None
        if refund is None or payment is None:
            return False
        with self._bounded_by_lease():
            outcome = refund_outcome_of(refund, payment, self._provider)
        with self._database.transaction() as tx:
            complete_refund(tx, refund, outcome)
        return outcome is not UNKNOWN_REFUND

    def forget_notices(self) -> None:
        """Forget the notices that the provider will not repeat any more."""
        with self._database.transaction() as tx:
            tx.forget_notices(NOTICES_KEPT)

    def _bounded_by_lease(self) -> AbstractContextManager[RequestContext]:
        return context.use(RequestContext(deadline=time.monotonic() + self._lease.total_seconds()))


def outcome_of(payment: Payment, provider: Provider, now: datetime) -> Outcome:
    """Ask the provider what became of a processing payment. A charge is repeated only as long as the provider knows
    its key and has not told the charge's own name; later it is only looked up."""
    if payment.status is not PaymentStatus.PROCESSING:
        return UNKNOWN
    try:
        if payment.reference is None and payment.repeatable(now):
            return provider.charge(payment)
        return provider.look_up(payment) or NEVER_CHARGED
    except ProviderUnavailable as failure:
        logger.warning("outcome unknown", extra={"payment_id": payment.id, "cause": str(failure)})
        return UNKNOWN


def refund_outcome_of(refund: Refund, payment: Payment, provider: Provider) -> RefundOutcome:
    try:
        outcome = provider.refund(refund, payment)
    except ProviderUnavailable as failure:
        logger.warning("refund unknown", extra={"refund_id": refund.id, "cause": str(failure)})
        return UNKNOWN_REFUND
    if outcome.failed:
        told = {"payment_id": payment.id, "refund_id": refund.id, "reference": outcome.reference}
        logger.error("refund failed, to be given back by hand", extra=told)
    return outcome


def settle(tx: Transaction, payment_id: UUID, outcome: Outcome) -> Payment | None:
    """Move a payment by what the provider says; None if there is no such payment. What is late or said twice changes
    nothing, but money that came in for a payment given up, or an order closed, is owed to its payer."""
    order = tx.lock_order_of(payment_id)
    if order is None:
        return None
    payment = tx.payment(payment_id).known_as(outcome.reference)
    if payment.may_become(outcome.status):
        payment = payment.become(outcome.status, tx.now, outcome.failure_code)
        tx.move_payment(payment)
        if payment.status is PaymentStatus.SUCCEEDED:
            tx.book_charge(payment)
            if not order.open:
                owe_refund(tx, payment, RefundReason.ORDER_CLOSED)
    elif payment.status is PaymentStatus.FAILED and outcome.status is PaymentStatus.SUCCEEDED:
        if owe_refund(tx, payment, RefundReason.LATE_SUCCESS):
            tx.note_reference(payment)
            tx.book_charge(payment)
            logger.error("charged after it was given up", extra={"payment_id": payment.id})
    else:
        tx.note_reference(payment)
    return payment


def complete_refund(tx: Transaction, refund: Refund, outcome: RefundOutcome) -> None:
    """Move a refund, and the payment with it, by what the provider says."""
    tx.lock_order_of(refund.payment_id)
    if tx.refund(refund.id).status is RefundStatus.SUCCEEDED:
        return
    refund = refund.become(outcome, tx.now)
    if refund.status is RefundStatus.PENDING:
        tx.save_refund(refund)
        tx.postpone_refund(refund, retry_delay(refund.created_at, tx.now))
        return
    book(tx, refund)


def book(tx: Transaction, refund: Refund, by_hand: str | None = None) -> None:
    """Book a refund that was given, and move its payment; `by_hand` is what an operator gave it back with."""
    tx.save_refund(refund)
    tx.book_refund(refund, by_hand)
    payment = tx.payment(refund.payment_id)
    if payment.may_become(PaymentStatus.REFUNDED):
        tx.move_payment(payment.become(PaymentStatus.REFUNDED, tx.now), refund)


def owe_refund(tx: Transaction, payment: Payment, reason: RefundReason) -> bool:
    """Note that a payment has to be given back; False if that was known."""
    owed = tx.add_refund(refund_of(payment, reason, tx.now, new_id()))
    if owed:
        logger.info("refund owed", extra={"payment_id": payment.id, "reason": reason})
    return owed


def refund_of(payment: Payment, reason: RefundReason, now: datetime, refund_id: UUID) -> Refund:
    return Refund(
        id=refund_id,
        payment_id=payment.id,
        amount=payment.amount,
        currency=payment.currency,
        reason=reason,
        created_at=now,
        updated_at=now,
    )
