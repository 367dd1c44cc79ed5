"""The store in memory: the same queries over dictionaries."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from chassis.clock import Clock, utc_now
from chassis.testing.doubles import MemoryDatabase, MemoryTables, MemoryTransaction
from payments.domain import Notice, Order, Payment, PaymentExists, PaymentStatus, Refund, RefundStatus
from payments.events import announcement

LIVE = {PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED}


@dataclass
class Tables(MemoryTables):
    orders: dict[UUID, Order] = field(default_factory=dict)
    payments: dict[UUID, Payment] = field(default_factory=dict)
    refunds: dict[UUID, Refund] = field(default_factory=dict)
    due: dict[UUID, datetime] = field(default_factory=dict)
    ledger: list[tuple[UUID, UUID | None, int]] = field(default_factory=list)
    by_hand: dict[UUID, str] = field(default_factory=dict)
    notices: dict[str, datetime] = field(default_factory=dict)


class PaymentsTransaction(MemoryTransaction):
    def order(self, order_id: UUID) -> Order | None:
        return self.tables.orders.get(order_id)

    def lock_order_of(self, payment_id: UUID) -> Order | None:
        payment = self.payment(payment_id)
        return self.order(payment.order_id) if payment else None

    def remember_order(self, order: Order) -> Order:
        known = self.tables.orders.get(order.id)
        kept = replace(order, open=True) if known is None else replace(known, expires_at=order.expires_at)
        self.tables.orders[order.id] = kept
        return kept

    def close_order(self, order: Order) -> None:
        self.tables.orders[order.id] = replace(self.tables.orders.get(order.id, order), open=False)

    def payment(self, payment_id: UUID) -> Payment | None:
        return self.tables.payments.get(payment_id)

    def succeeded_payment_of(self, order_id: UUID) -> Payment | None:
        succeeded = (each for each in self._of_order(order_id) if each.status is PaymentStatus.SUCCEEDED)
        return next(succeeded, None)

    def payments_before(self, position: UUID | None, user_id: UUID, limit: int) -> list[Payment]:
        own = [each for each in self.tables.payments.values() if each.user_id == user_id]
        newest_first = sorted(own, key=lambda each: each.id, reverse=True)
        return [each for each in newest_first if position is None or each.id < position][:limit]

    def add_payment(self, payment: Payment, settle_at: datetime) -> None:
        if any(each.status in LIVE for each in self._of_order(payment.order_id)):
            raise PaymentExists()
        self.tables.payments[payment.id] = payment
        self.tables.due[payment.id] = settle_at

    def move_payment(self, payment: Payment, refund: Refund | None = None) -> None:
        self.tables.payments[payment.id] = payment
        self.tables.due.pop(payment.id, None)
        self.emit(announcement(payment, refund))

    def note_reference(self, payment: Payment) -> None:
        known = self.tables.payments[payment.id]
        self.tables.payments[payment.id] = known.known_as(payment.reference)

    def claim_payment(self, lease: timedelta) -> Payment | None:
        return self._claim(self.tables.payments, lease)

    def postpone_payment(self, payment: Payment, delay: timedelta) -> None:
        if self.tables.payments[payment.id].status is PaymentStatus.PROCESSING:
            self.tables.due[payment.id] = self.now + delay

    def refund(self, refund_id: UUID) -> Refund | None:
        return self.tables.refunds.get(refund_id)

    def refund_of(self, payment_id: UUID) -> Refund | None:
        found = (each for each in self.tables.refunds.values() if each.payment_id == payment_id)
        return next(found, None)

    def add_refund(self, refund: Refund) -> bool:
        if self.refund_of(refund.payment_id):
            return False
        self.tables.refunds[refund.id] = refund
        self.tables.due[refund.id] = refund.created_at
        return True

    def save_refund(self, refund: Refund) -> None:
        self.tables.refunds[refund.id] = refund
        if refund.status is RefundStatus.SUCCEEDED:
            self.tables.due.pop(refund.id, None)

    def claim_refund(self, lease: timedelta) -> Refund | None:
        return self._claim(self.tables.refunds, lease)

    def postpone_refund(self, refund: Refund, delay: timedelta) -> None:
        if self.tables.refunds[refund.id].status is RefundStatus.PENDING:
            self.tables.due[refund.id] = self.now + delay

    def book_charge(self, payment: Payment) -> None:
        self.tables.ledger.append((payment.id, None, payment.amount))

    def book_refund(self, refund: Refund, by_hand: str | None = None) -> None:
        self.tables.ledger.append((refund.payment_id, refund.id, -refund.amount))

    def note_given_by_hand(self, refund_id: UUID, reference: str) -> None:
        self.tables.by_hand[refund_id] = reference

    def given_by_hand(self, refund_id: UUID) -> str | None:
        return self.tables.by_hand.get(refund_id)

    def note_notice(self, notice: Notice) -> bool:
        new = notice.id not in self.tables.notices
        self.tables.notices.setdefault(notice.id, self.now)
        return new

    def forget_notices(self, older_than: timedelta) -> None:
        kept = {key: at for key, at in self.tables.notices.items() if at >= self.now - older_than}
        self.tables.notices = kept

    def _of_order(self, order_id: UUID) -> list[Payment]:
        return [each for each in self.tables.payments.values() if each.order_id == order_id]

    def _claim(self, table: dict, lease: timedelta):
        due = [(at, key) for key, at in self.tables.due.items() if key in table and at <= self.now]
        if not due:
            return None
        _, key = min(due)
        self.tables.due[key] = self.now + lease
        return table[key]


def memory_database(clock: Clock = utc_now) -> MemoryDatabase[PaymentsTransaction]:
    return MemoryDatabase(PaymentsTransaction, Tables(), clock)
