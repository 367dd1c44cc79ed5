"""A shop to test on: what is in it, and who comes in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.idempotency import Once
from chassis.ids import new_id
from orders.domain import Item, Line, Order, Payment, Product

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


def product(sku: str = "TEA-1", **values: Any) -> Product:
    usual = Product(
        id=new_id(),
        sku=sku,
        name=f"Product {sku}",
        description="",
        category="",
        price=500,
        currency="EUR",
        stock=10,
        updated_at=NOW,
    )
    return replace(usual, **values)


def order(*items: Item, user_id: UUID | None = None, **values: Any) -> Order:
    placed = Order.placed(
        new_id(), user_id or new_id(), items or [Item("TEA-1", "Tea", 2, 500)], "EUR", NOW, WINDOW
    )
    return replace(placed, **values)


def payment_of(order: Order, **values: Any) -> Payment:
    return replace(Payment(new_id(), order.id, order.total, order.currency), **values)


def once() -> Once:
    """A new idempotency key for a real database."""
    return Once(
        caller="anna", route="any", key=str(new_id()), fingerprint=b"", present=lambda answer: (200, b"")
    )


def line(sku: str = "TEA-1", quantity: int = 2) -> Line:
    return Line(sku, quantity)
