"""A till: the use cases over doubles, with a clock that only moves when a test says so."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.ids import new_id
from chassis.testing.doubles import FakeOnce
from doubles.orders import MemoryOrders
from doubles.provider import MemoryProvider
from doubles.store import memory_database
from payments.domain import Order, Payment, PaymentStatus, Refund
from payments.service import Payments, Settlement, close_order

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def once(key: str | None = None) -> FakeOnce:
    """One request with an idempotency key; without one, with a new one."""
    return FakeOnce(key=key or str(new_id()))


@dataclass
class Till:
    now: datetime = NOW
    orders: MemoryOrders = field(default_factory=MemoryOrders)
    provider: MemoryProvider = field(default_factory=MemoryProvider)

    def __post_init__(self) -> None:
        self.database = memory_database(lambda: self.now)
        self.payments = Payments(self.database, self.orders, self.provider, timedelta(seconds=2))
        self.settlement = Settlement(self.database, self.provider, timedelta(seconds=5))

    def placed(self, total: int = 1999) -> Order:
        order = Order(
            id=new_id(),
            user_id=new_id(),
            total=total,
            currency="EUR",
            expires_at=self.now + timedelta(minutes=15),
        )
        self.orders.known[order.id] = order
        return order

    def pay(self, order: Order, method: str = "pm_card_visa", key: str | None = None) -> Payment:
        return self.payments.pay(order.user_id, order.id, method, once(key))

    def restart(self) -> None:
        """Let the process die, and another one serve the next request."""
        self.database.close()

    def close(self, order: Order) -> None:
        with self.database.transaction() as tx:
            close_order(tx, order)

    def work(self) -> None:
        """Do what a worker does until nothing is due."""
        while self.settlement.settle_next() or self.settlement.refund_next():
            pass

    def later(self, **delay: int) -> None:
        self.now += timedelta(**delay)
        self.work()

    def status_of(self, payment_id: UUID) -> PaymentStatus:
        return self.database.tables.payments[payment_id].status

    def events(self) -> list[str]:
        return [event.type for event in self.database.tables.events]

    def refunds(self) -> list[Refund]:
        return list(self.database.tables.refunds.values())

    def check_books(self) -> None:
        """What was booked is what the provider moved."""
        booked = sum(amount for *_, amount in self.database.tables.ledger)
        assert booked == sum(self.provider.charged.values()) - sum(self.provider.refunded.values())
