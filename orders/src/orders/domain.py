"""Domain: products, orders, and the one table of the moves an order can make."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict, FieldError, NotFound


class ProductNotFound(NotFound):
    code = "product_not_found"
    title = "No such product"


class OrderNotFound(NotFound):
    code = "order_not_found"
    title = "No such order"


class UnknownSku(Conflict):
    code = "unknown_sku"
    title = "The catalogue has no such product"


class OutOfStock(Conflict):
    code = "out_of_stock"
    title = "There are not enough pieces left"


class OrderTotalTooLarge(Conflict):
    code = "order_total_too_large"
    title = "The order comes to more than can be paid at once"


class OrderNotPayable(Conflict):
    code = "order_not_payable"
    title = "The order cannot be paid"


class OrderNotFulfillable(Conflict):
    code = "order_not_fulfillable"
    title = "The order cannot be fulfilled"


class OrderNotCancellable(Conflict):
    code = "order_not_cancellable"
    title = "The order cannot be cancelled any more"


class OrderNotExpirable(Conflict):
    code = "order_not_expirable"
    title = "The order cannot expire"


class OrderNotRefundable(Conflict):
    code = "order_not_refundable"
    title = "The order cannot be refunded"


class Status(StrEnum):
    PENDING = "PENDING"
    PAID = "PAID"
    FULFILLED = "FULFILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REFUNDED = "REFUNDED"


class Move(StrEnum):
    PAY = "pay"
    FULFIL = "fulfil"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REFUND = "refund"


TRANSITIONS: Mapping[tuple[Status, Move], Status] = {
    (Status.PENDING, Move.PAY): Status.PAID,
    (Status.PENDING, Move.CANCEL): Status.CANCELLED,
    (Status.PENDING, Move.EXPIRE): Status.EXPIRED,
    (Status.PAID, Move.FULFIL): Status.FULFILLED,
    (Status.PAID, Move.CANCEL): Status.CANCELLED,
    (Status.CANCELLED, Move.REFUND): Status.REFUNDED,
}

TOTAL_MAX = 99_999_999  # in minor units: the most that one payment can be of

# Orders that end here sold nothing: what they had reserved is for sale again.
CLOSED_UNSOLD = frozenset({Status.CANCELLED, Status.EXPIRED})

REFUSALS: Mapping[Move, type[Conflict]] = {
    Move.PAY: OrderNotPayable,
    Move.FULFIL: OrderNotFulfillable,
    Move.CANCEL: OrderNotCancellable,
    Move.EXPIRE: OrderNotExpirable,
    Move.REFUND: OrderNotRefundable,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A thing for sale. `stock` counts the pieces nobody has ordered yet, `price` is in minor units."""

    id: UUID
    sku: str
    name: str
    description: str
    category: str
    price: int
    currency: str
    stock: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a catalogue did, in products."""

    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Line:
    """What a shopper asks for."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Item:
    """What a shopper gets: name and price are those of the moment of the order."""

    sku: str
    name: str
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class Payment:
    """What payments says about an order's money, in minor units."""

    id: UUID
    order_id: UUID
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`version` counts the moves made, `payment_id` stays once the order was paid."""

    id: UUID
    user_id: UUID
    status: Status
    items: tuple[Item, ...]
    total: int
    currency: str
    payment_id: UUID | None
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime

    @classmethod
    def placed(
        cls, id: UUID, user_id: UUID, items: Sequence[Item], currency: str, now: datetime, window: timedelta
    ) -> Order:
        """A new order, to be paid within the window. Raises OrderTotalTooLarge."""
        total = sum(item.quantity * item.unit_price for item in items)
        if total > TOTAL_MAX:
            detail = f"The items come to {total}; the most is {TOTAL_MAX}."
            raise _refused_for(OrderTotalTooLarge, [FieldError("/items", OrderTotalTooLarge.code, detail)])
        return cls(
            id=id,
            user_id=user_id,
            status=Status.PENDING,
            items=tuple(items),
            total=total,
            currency=currency,
            payment_id=None,
            version=1,
            created_at=now,
            updated_at=now,
            expires_at=now + window,
        )

    def moved(self, move: Move, now: datetime) -> Order:
        """The order after a move. Raises the move's refusal where the table has none from here."""
        status = TRANSITIONS.get((self.status, move))
        if status is None:
            raise REFUSALS[move](f"The order is {self.status}.")
        return replace(self, status=status, version=self.version + 1, updated_at=now)

    def paid_by(self, payment: Payment, now: datetime) -> Order:
        """The order once a payment of exactly its total has succeeded."""
        if (payment.amount, payment.currency) != (self.total, self.currency):
            raise OrderNotPayable("The payment is not of the order's total.")
        return replace(self.moved(Move.PAY, now), payment_id=payment.id)

    def refunded_by(self, refund: Payment, now: datetime) -> list[Order]:
        """The order after each move it makes when its money is back: a paid one is cancelled first."""
        if refund.id != self.payment_id:
            raise OrderNotRefundable("Another payment paid this order, or none did.")
        if (refund.amount, refund.currency) != (self.total, self.currency):
            raise OrderNotRefundable("The refund is not of the order's total.")
        if self.status is not Status.PAID:
            return [self.moved(Move.REFUND, now)]
        cancelled = self.moved(Move.CANCEL, now)
        return [cancelled, cancelled.moved(Move.REFUND, now)]

    @property
    def is_final(self) -> bool:
        """Whether no move leads on from here; a cancelled order that was never paid has nothing to refund."""
        if self.status is Status.CANCELLED:
            return self.payment_id is None
        return all(status is not self.status for status, _ in TRANSITIONS)


def refusal_of(lines: Sequence[Line], reserved: Collection[str], known: Collection[str]) -> Conflict:
    """Why an order cannot be taken of which only some lines could be reserved: which line, and its cause."""
    unknown = [
        FieldError(f"/items/{at}/sku", UnknownSku.code, f"There is no product {line.sku}.")
        for at, line in enumerate(lines)
        if line.sku not in known
    ]
    if unknown:
        return _refused_for(UnknownSku, unknown)
    short = [
        FieldError(
            f"/items/{at}/quantity", OutOfStock.code, f"Fewer than {line.quantity} of {line.sku} are left."
        )
        for at, line in enumerate(lines)
        if line.sku not in reserved
    ]
    return _refused_for(OutOfStock, short)


def _refused_for(kind: type[Conflict], wrong: Sequence[FieldError]) -> Conflict:
    return kind(" ".join(each.detail for each in wrong), errors=wrong)
