"""Use cases: what the shop does with products and orders, each in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from chassis.errors import Conflict, ServiceError
from chassis.ids import new_id
from chassis.paging import Page, encode_cursor
from orders.domain import (
    CLOSED_UNSOLD,
    Item,
    Line,
    Loaded,
    Move,
    Order,
    OrderNotFound,
    Payment,
    Product,
    ProductNotFound,
    refusal_of,
)

EXPIRY_BATCH = 100

logger = logging.getLogger(__name__)

T = TypeVar("T", Product, Order)


class Transaction(Protocol):
    """All between begin and commit. Orders are locked before products, and products in order of sku."""

    @property
    def now(self) -> datetime: ...

    def together(self) -> AbstractContextManager[object]: ...

    def product(self, sku: str) -> Product | None: ...
    def products_after(self, position: UUID | None, limit: int) -> list[Product]: ...
    def put_product(self, product: Product) -> Product: ...
    def load_products(self, products: Iterable[Product]) -> Loaded: ...
    def known_skus(self, skus: Collection[str], currency: str) -> set[str]: ...
    def reserve(self, lines: Sequence[Line], currency: str) -> list[Item]: ...
    def release(self, items: Iterable[Item]) -> None: ...

    def order(self, order_id: UUID) -> Order | None: ...
    def lock_order(self, order_id: UUID) -> Order | None: ...
    def lock_due_orders(self, limit: int) -> list[Order]: ...
    def orders_before(self, position: UUID | None, user_id: UUID, limit: int) -> list[Order]: ...
    def orders_changed_since(self, versions: Mapping[UUID, int]) -> list[Order]: ...
    def add_order(self, order: Order) -> None: ...
    def save_orders(self, orders: Sequence[Order]) -> None: ...


class Database(Protocol):
    def transaction(self) -> AbstractContextManager[Transaction]: ...
    def read(self) -> AbstractContextManager[Transaction]: ...


class Once(Protocol):
    """One use of an idempotency key; what is made under it carries its id."""

    @property
    def id(self) -> UUID: ...

    def begin(self, tx: Any) -> None: ...
    def end(self, tx: Any, result: Any) -> None: ...


class Catalogue:
    """What is for sale."""

    def __init__(self, database: Database, currency: str) -> None:
        self._database = database
        self._currency = currency

    def products(self, position: UUID | None, limit: int) -> Page[Product]:
        with self._database.read() as tx:
            return _page(tx.products_after(position, limit + 1), limit)

    def product(self, sku: str) -> Product:
        with self._database.read() as tx:
            product = tx.product(sku)
        if product is None:
            raise ProductNotFound
        return product

    def put_product(self, sku: str, values: Mapping[str, Any]) -> tuple[Product, bool]:
        """Add the product or change all of it; the flag tells whether it was added."""
        with self._database.transaction() as tx:
            wanted = Product(id=new_id(), sku=sku, currency=self._currency, updated_at=tx.now, **values)
            product = tx.put_product(wanted)
        return product, product.id == wanted.id

    def load(self, rows: Iterable[Mapping[str, Any]]) -> Loaded:
        """Add or change all of the products or, where reading the rows raises, none."""
        with self._database.transaction() as tx:
            same = {"currency": self._currency, "updated_at": tx.now}
            return tx.load_products(Product(id=new_id(), **same, **row) for row in rows)


class Orders:
    """What shoppers ordered, and how it goes on."""

    def __init__(self, database: Database, currency: str, payment_window: timedelta) -> None:
        self._database = database
        self._currency = currency
        self._payment_window = payment_window

    def place_order(self, user_id: UUID, lines: Sequence[Line], once: Once) -> Order:
        with self._database.transaction() as tx:
            once.begin(tx)
            items = tx.reserve(lines, self._currency)
            if len(items) < len(lines):
                known = tx.known_skus({line.sku for line in lines}, self._currency)
                raise refusal_of(lines, reserved={item.sku for item in items}, known=known)
            order = Order.placed(once.id, user_id, items, self._currency, tx.now, self._payment_window)
            with tx.together():
                tx.add_order(order)
                once.end(tx, order)
        return order

    def cancel_order(self, user_id: UUID, order_id: UUID, once: Once) -> Order:
        with self._database.transaction() as tx:
            once.begin(tx)
            order = _own(tx.lock_order(order_id), user_id).moved(Move.CANCEL, tx.now)
            _save(tx, [order])
            once.end(tx, order)
        return order

    def order(self, user_id: UUID, order_id: UUID) -> Order:
        with self._database.read() as tx:
            return _own(tx.order(order_id), user_id)

    def orders(self, user_id: UUID, position: UUID | None, limit: int) -> Page[Order]:
        with self._database.read() as tx:
            return _page(tx.orders_before(position, user_id, limit + 1), limit)

    def changed_since(self, versions: Mapping[UUID, int]) -> list[Order]:
        """Those of the orders that are of a later version than the given one."""
        with self._database.read() as tx:
            return tx.orders_changed_since(versions)

    def expire_orders(self) -> int:
        """Close every order whose time to pay is over, and return how many there were."""
        expired = 0
        while batch := self._expire_batch():
            expired += batch
            logger.info("orders expired", extra={"orders": batch})
        return expired

    def _expire_batch(self) -> int:
        with self._database.transaction() as tx:
            due = tx.lock_due_orders(EXPIRY_BATCH)
            _save(tx, [order.moved(Move.EXPIRE, tx.now) for order in due])
        return len(due)

    def pay_order(self, tx: Transaction, payment: Payment) -> None:
        """Note a payment that succeeded. One that comes too late changes nothing: payments gives it back."""
        try:
            order = _found(tx.lock_order(payment.order_id))
            _save(tx, [order.paid_by(payment, tx.now)])
        except (OrderNotFound, Conflict) as refusal:
            _log_no_effect("payment", payment, refusal)

    def refund_order(self, tx: Transaction, refund: Payment) -> None:
        """Note money that was given back; the refund of an order that nobody cancelled closes it."""
        try:
            order = _found(tx.lock_order(refund.order_id))
            _save(tx, order.refunded_by(refund, tx.now))
        except (OrderNotFound, Conflict) as refusal:
            _log_no_effect("refund", refund, refusal)


def _save(tx: Transaction, moved: Sequence[Order]) -> None:
    """Write orders after their moves; the pieces of those that closed unsold are for sale again."""
    tx.save_orders(moved)
    tx.release([item for order in moved if order.status in CLOSED_UNSOLD for item in order.items])


def _found(order: Order | None) -> Order:
    if order is None:
        raise OrderNotFound
    return order


def _own(order: Order | None, user_id: UUID) -> Order:
    """Another user's order is one that does not exist, so that ids tell nothing."""
    if (found := _found(order)).user_id != user_id:
        raise OrderNotFound
    return found


def _page(found: Sequence[T], limit: int) -> Page[T]:
    """A page of what was found, where one item more than the limit was asked for."""
    items = found[:limit]
    return Page(items, encode_cursor(items[-1].id) if len(found) > limit else None)


def _log_no_effect(what: str, payment: Payment, refusal: ServiceError) -> None:
    logger.warning(
        "%s without effect",
        what,
        extra={
            "payment_id": payment.id,
            "order_id": payment.order_id,
            "code": refusal.code,
            "cause": refusal.detail,
        },
    )
