"""The use case of a database that was put back from a backup: take in what the provider alone still knows.

A charge in the provider's books names its payment and its order, and the order comes again by the events of orders:
together that is the payment as it was, under its own id.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis import context
from payments.domain import (
    Charge,
    Order,
    Payment,
    PaymentExists,
    PaymentStatus,
    RefundReason,
    RefundStatus,
    Repayment,
)
from payments.service.ports import Database, ProviderBooks, Transaction
from payments.service.reconciling import SKEW
from payments.service.settling import owe_refund, settle


class NotAdoptable(Exception):
    """A charge that cannot be taken in; says why."""


@dataclass(frozen=True, slots=True)
class Left:
    """A charge that was not taken in, and why."""

    charge: Charge
    why: str


@dataclass(slots=True)
class Adopted:
    """What was taken in, which payments were given back there in the meantime, and what was left alone."""

    payments: list[Payment] = field(default_factory=list)
    given_back: list[UUID] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


class Adoption:
    """What an operator asks for after a restore; again and again, as nothing is taken in twice."""

    def __init__(self, database: Database, books: ProviderBooks) -> None:
        self._database = database
        self._books = books

    def adopt(self, since: datetime) -> Adopted:
        """Take in the payments whose charges are known there since a moment, and what was given back of them.

        A charge is left alone while its order is not known here, when it is not of the order's total, and when the
        order has another payment. Raises ProviderUnavailable.
        """
        adopted = Adopted()
        for charge in self._books.charges_since(since - SKEW):
            if charge.outcome.status is not PaymentStatus.FAILED and not self._is_known(charge):
                self._take_in(charge, adopted)
        for repayment in self._books.repayments_since(since - SKEW):
            if repayment.status is RefundStatus.SUCCEEDED:
                self._note_given_back(repayment, adopted)
        return adopted

    def _is_known(self, charge: Charge) -> bool:
        with self._database.read() as one:
            return one.payment(charge.payment_id) is not None

    def _take_in(self, charge: Charge, adopted: Adopted) -> None:
        try:
            with context.use(context.RequestContext()), self._database.transaction() as tx:
                payment = _payment_of(charge, _order_of(tx, charge), tx.now)
                tx.add_payment(payment, settle_at=tx.now)
                adopted.payments.append(settle(tx, payment.id, charge.outcome) or payment)
        except (NotAdoptable, PaymentExists) as refusal:
            adopted.left.append(Left(charge, str(refusal)))

    def _note_given_back(self, repayment: Repayment, adopted: Adopted) -> None:
        """Owe what was given back already: the provider is asked for it once more, and tells of the refund it made."""
        with self._database.transaction() as tx:
            known = tx.refunds_of_charges({repayment.charge}).get(repayment.charge)
            if known is None or known[1] is not None or tx.lock_order_of(known[0]) is None:
                return
            payment = tx.payment(known[0])
            whole = (payment.amount, payment.currency) == (repayment.amount, repayment.currency)
            if whole and owe_refund(tx, payment, RefundReason.REQUESTED):
                adopted.given_back.append(payment.id)


def _order_of(tx: Transaction, charge: Charge) -> Order:
    """Return the order that a charge is for, locked. Raises NotAdoptable."""
    order = tx.order(charge.order_id) if charge.order_id else None
    if order is None:
        raise NotAdoptable("its order is not known here")
    if (charge.amount, charge.currency) != (order.total, order.currency):
        raise NotAdoptable(f"its order is of {order.total} {order.currency}")
    return tx.remember_order(order)


def _payment_of(charge: Charge, order: Order, now: datetime) -> Payment:
    request = context.current()
    return Payment(
        id=charge.payment_id,
        order_id=order.id,
        user_id=order.user_id,
        amount=charge.amount,
        currency=charge.currency,
        payment_method=charge.payment_method,
        request_id=request.request_id,
        traceparent=request.traceparent,
        created_at=charge.made_at,
        updated_at=now,
    )
