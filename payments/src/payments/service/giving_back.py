"""The use case of an operator: note that money which the provider failed to give back was given back by hand."""

from uuid import UUID

from payments.domain import NotOwedByHand, PaymentNotFound, Refund, RefundOutcome, RefundStatus
from payments.service.ports import Database, Provider, Transaction
from payments.service.settling import book


def note_given_by_hand(database: Database, provider: Provider, payment_id: UUID, reference: str) -> bool:
    """Book a refund that the provider failed as given back by hand; False if that was booked before.

    A refund that was booked already, because it failed after it had succeeded, is noted and not booked again. Raises
    PaymentNotFound, NotOwedByHand and ProviderUnavailable.
    """
    with database.read() as one:
        payment = one.payment(payment_id)
        if payment is None:
            raise PaymentNotFound()
        refund = one.refund_of(payment_id)
        if refund is None or refund.reference is None:
            raise NotOwedByHand("The provider has not begun to give this payment back.")
        if _noted(one, refund, reference):
            return False
    outcome = provider.refund(refund, payment)
    if not outcome.failed:
        raise NotOwedByHand(f"The provider says that {refund.reference} is {outcome.status}.")
    with database.transaction() as tx:
        tx.lock_order_of(payment_id)
        if _noted(tx, refund, reference):
            return False
        tx.note_given_by_hand(refund.id, reference)
        if tx.refund(refund.id).status is RefundStatus.PENDING:
            book(tx, refund.become(RefundOutcome(status=RefundStatus.SUCCEEDED), tx.now), reference)
    return True


def _noted(tx: Transaction, refund: Refund, reference: str) -> bool:
    """Whether this was noted before. Raises NotOwedByHand if something else was."""
    noted = tx.given_by_hand(refund.id)
    if noted not in (None, reference):
        raise NotOwedByHand(f"It was given back by hand before: {noted}.")
    return noted is not None
