"""The use cases of a request: pay for an order, read payments, ask for a refund, hear the provider's notice."""

import logging
from datetime import timedelta
from uuid import UUID

from chassis import context
from chassis.errors import BadGateway, DeadlineExceeded, Unavailable
from chassis.paging import Page, encode_cursor
from payments.domain import (
    AmountNotPayable,
    CardDeclined,
    Notice,
    Order,
    OrderNotFound,
    OrderNotPayable,
    Payment,
    PaymentNotFound,
    PaymentNotRefundable,
    PaymentStatus,
    Refund,
    RefundReason,
)
from payments.service.ports import Database, Once, Orders, Provider, Transaction
from payments.service.settling import outcome_of, refund_of, settle

logger = logging.getLogger(__name__)


class Payments:
    """What a shopper, an administrator and the provider can ask for."""

    def __init__(
        self, database: Database, orders: Orders, provider: Provider, settle_after: timedelta
    ) -> None:
        self._database = database
        self._orders = orders
        self._provider = provider
        self._settle_after = settle_after

    def pay(self, user_id: UUID, order_id: UUID, payment_method: str, once: Once) -> Payment:
        """Charge an order to a payment method, once.

        Raises CardDeclined, AmountNotPayable, OrderNotFound, OrderNotPayable, PaymentExists. A payment whose outcome
        is unknown stays processing; the worker settles it. So does one whose process died here: a retry finds it under
        the same id, whatever has become of the order since.
        """
        with self._database.read() as one:
            once.look(one)
        order = self._price(order_id, user_id)
        with self._database.transaction() as tx:
            once.begin(tx)
            payment = tx.payment(once.id) or self._start(tx, once.id, order, payment_method)
            now = tx.now
        outcome = outcome_of(payment, self._provider, now)
        with self._database.transaction() as tx:
            payment = settle(tx, payment.id, outcome) or payment
            refusal = _refusal(payment)
            once.end(tx, refusal or payment)
        if refusal:
            raise refusal
        return payment

    def payment(self, user_id: UUID, payment_id: UUID) -> Payment:
        with self._database.read() as one:
            payment = one.payment(payment_id)
        if payment is None or payment.user_id != user_id:
            raise PaymentNotFound()
        return payment

    def payments(self, user_id: UUID, position: UUID | None, limit: int) -> Page[Payment]:
        """A user's payments, newest first."""
        with self._database.read() as one:
            found = one.payments_before(position, user_id, limit + 1)
        page = found[:limit]
        return Page(page, encode_cursor(page[-1].id) if len(found) > limit else None)

    def refund(self, payment_id: UUID, once: Once) -> Refund:
        """Owe the whole of a payment to its payer; the worker gives it back."""
        with self._database.transaction() as tx:
            once.begin(tx)
            if tx.lock_order_of(payment_id) is None:
                raise PaymentNotFound()
            payment = tx.payment(payment_id)
            if payment.status is not PaymentStatus.SUCCEEDED:
                raise PaymentNotRefundable()
            refund = refund_of(payment, RefundReason.REQUESTED, tx.now, once.id)
            if not tx.add_refund(refund):
                raise PaymentNotRefundable()
            once.end(tx, refund)
        return refund

    def hear(self, notice: Notice) -> bool:
        """Take in the provider's notice; False if it had taken effect before."""
        with self._database.transaction() as tx:
            if not tx.note_notice(notice):
                return False
            if notice.payment_id and notice.outcome and settle(tx, notice.payment_id, notice.outcome) is None:
                logger.error(
                    "the provider tells of a payment nobody knows", extra={"payment_id": notice.payment_id}
                )
        return True

    def _price(self, order_id: UUID, user_id: UUID) -> Order:
        try:
            return self._orders.order(order_id, user_id)
        except (Unavailable, DeadlineExceeded, BadGateway) as failure:
            logger.warning("orders gives no answer, pricing by the own copy", extra={"cause": failure.code})
            with self._database.read() as one:
                order = one.order(order_id)
            if order is None:
                raise
        if order.user_id != user_id:
            raise OrderNotFound()
        return order

    def _start(self, tx: Transaction, payment_id: UUID, order: Order, payment_method: str) -> Payment:
        known = tx.remember_order(order)
        request = context.current()
        payment = Payment(
            id=payment_id,
            order_id=order.id,
            user_id=order.user_id,
            amount=order.total,
            currency=order.currency,
            payment_method=payment_method,
            request_id=request.request_id,
            traceparent=request.traceparent,
            created_at=tx.now,
            updated_at=tx.now,
        )
        # Before the order's own state: of a paid order the payment is the better reason to refuse.
        tx.add_payment(payment, settle_at=tx.now + self._settle_after)
        if not (known.open and order.payable(tx.now)):
            raise OrderNotPayable()
        return payment


def _refusal(payment: Payment) -> CardDeclined | AmountNotPayable | None:
    return payment.refusal() if payment.status is PaymentStatus.FAILED else None
