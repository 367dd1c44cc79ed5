"""Events: what payments tells the others about each move, and what it does about those of orders."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.events import Event, Received
from payments.domain import Order, Payment, PaymentStatus, Refund
from payments.service import close_order, remember_order
from payments.service.ports import Transaction

Handler = Callable[[Transaction, Received], None]


def announcement(payment: Payment, refund: Refund | None = None) -> Event:
    """The event of the move a payment just made; a move to REFUNDED names its refund."""
    data = {
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "user_id": payment.user_id,
        **_details(payment, refund),
    }
    return Event(f"payment.{payment.status}", payment.id, payment.version, data)


def _details(payment: Payment, refund: Refund | None) -> dict[str, Any]:
    if payment.status is PaymentStatus.FAILED:
        return {"failure_code": payment.failure_code}
    money = {"amount": payment.amount, "currency": payment.currency}
    return money if refund is None else {"refund_id": refund.id, **money}


def _placed(tx: Transaction, event: Received) -> None:
    remember_order(tx, _order(event, datetime.fromisoformat(event.data["expires_at"])))


def _closed(tx: Transaction, event: Received) -> None:
    close_order(tx, _order(event, event.time))


def _order(event: Received, expires_at: datetime) -> Order:
    return Order(
        id=UUID(event.data["order_id"]),
        user_id=UUID(event.data["user_id"]),
        total=event.data["total"],
        currency=event.data["currency"],
        expires_at=expires_at,
    )


ORDER_HANDLERS: Mapping[str, Handler] = {
    "order.placed": _placed,
    "order.cancelled": _closed,
    "order.expired": _closed,
}
