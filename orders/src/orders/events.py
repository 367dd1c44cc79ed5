"""Events: what orders tells the others about each move, and what it does about theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from chassis.events import Event, Received
from orders.domain import Item, Order, Payment, Status
from orders.service import Orders, Transaction

Handler = Callable[[Transaction, Received], None]


def announcement(order: Order) -> Event | None:
    """The event of the move an order just made; None of a move that only repeats what payments has told."""
    if order.status not in ANNOUNCED:
        return None
    type, details = ANNOUNCED[order.status]
    data = {
        "order_id": order.id,
        "user_id": order.user_id,
        "total": order.total,
        "currency": order.currency,
        **details(order),
    }
    return Event(type=type, aggregate_id=order.id, version=order.version, data=data)


def _placed(order: Order) -> dict[str, Any]:
    return {"items": [_item(item) for item in order.items], "expires_at": order.expires_at}


def _item(item: Item) -> dict[str, Any]:
    return {"sku": item.sku, "quantity": item.quantity, "unit_price": item.unit_price}


def _paid(order: Order) -> dict[str, Any]:
    return {"payment_id": order.payment_id}


def _cancelled(order: Order) -> dict[str, Any]:
    return {"was_paid": order.payment_id is not None}


def _expired(order: Order) -> dict[str, Any]:
    return {}


ANNOUNCED: Mapping[Status, tuple[str, Callable[[Order], dict[str, Any]]]] = {
    Status.PENDING: ("order.placed", _placed),
    Status.PAID: ("order.paid", _paid),
    Status.CANCELLED: ("order.cancelled", _cancelled),
    Status.EXPIRED: ("order.expired", _expired),
}


def payment_handlers(orders: Orders) -> Mapping[str, Handler]:
    """What happens in orders when payments tells something; its other events are not for us."""
    return {
        "payment.succeeded": lambda tx, event: orders.pay_order(tx, _payment(event)),
        "payment.refunded": lambda tx, event: orders.refund_order(tx, _payment(event)),
    }


def _payment(event: Received) -> Payment:
    return Payment(
        id=UUID(event.data["payment_id"]),
        order_id=UUID(event.data["order_id"]),
        amount=event.data["amount"],
        currency=event.data["currency"],
    )
