"""The store of orders in memory, for unit tests; the real one's contract tests hold for it as well."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from shop import NOW

from chassis.ids import new_id
from chassis.testing.doubles import FakeOnce, MemoryDatabase, MemoryTables, MemoryTransaction
from orders.domain import Item, Line, Loaded, Order, Product, Status
from orders.events import announcement


@dataclass
class Tables(MemoryTables):
    products: dict[str, Product] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)


class MemoryStore(MemoryTransaction):
    tables: Tables

    def product(self, sku: str) -> Product | None:
        return self.tables.products.get(sku)

    def products_after(self, position: UUID | None, limit: int) -> list[Product]:
        found = sorted(self.tables.products.values(), key=lambda product: product.id)
        return [product for product in found if position is None or product.id > position][:limit]

    def put_product(self, product: Product) -> Product:
        known = self.tables.products.get(product.sku, product)
        self.tables.products[product.sku] = replace(product, id=known.id)
        return self.tables.products[product.sku]

    def load_products(self, products: Iterable[Product]) -> Loaded:
        added = changed = unchanged = 0
        for product in products:
            known = self.tables.products.get(product.sku)
            if known is None:
                added += 1
            elif known == replace(product, id=known.id, updated_at=known.updated_at):
                unchanged += 1
                continue
            else:
                changed += 1
            self.put_product(product)
        return Loaded(added, changed, unchanged)

    def known_skus(self, skus: Collection[str], currency: str) -> set[str]:
        return {
            sku
            for sku in skus
            if sku in self.tables.products and self.tables.products[sku].currency == currency
        }

    def reserve(self, lines: Sequence[Line], currency: str) -> list[Item]:
        items = []
        for line in lines:
            product = self.tables.products.get(line.sku)
            if product and product.currency == currency and product.stock >= line.quantity:
                self._add_stock(line.sku, -line.quantity)
                items.append(Item(line.sku, product.name, line.quantity, product.price))
        return items

    def release(self, items: Iterable[Item]) -> None:
        for item in items:
            self._add_stock(item.sku, item.quantity)

    def _add_stock(self, sku: str, pieces: int) -> None:
        product = self.tables.products[sku]
        self.tables.products[sku] = replace(product, stock=product.stock + pieces, updated_at=self.now)

    def order(self, order_id: UUID) -> Order | None:
        return self.tables.orders.get(order_id)

    def lock_order(self, order_id: UUID) -> Order | None:
        return self.tables.orders.get(order_id)

    def lock_due_orders(self, limit: int) -> list[Order]:
        due = [
            o for o in self.tables.orders.values() if o.status is Status.PENDING and o.expires_at <= self.now
        ]
        return sorted(due, key=lambda order: order.expires_at)[:limit]

    def orders_before(self, position: UUID | None, user_id: UUID, limit: int) -> list[Order]:
        own = [order for order in self.tables.orders.values() if order.user_id == user_id]
        newest_first = sorted(own, key=lambda order: order.id, reverse=True)
        return [order for order in newest_first if position is None or order.id < position][:limit]

    def orders_changed_since(self, versions: Mapping[UUID, int]) -> list[Order]:
        return [o for o in self.tables.orders.values() if o.id in versions and o.version > versions[o.id]]

    def add_order(self, order: Order) -> None:
        self._write(order)

    def save_orders(self, orders: Sequence[Order]) -> None:
        for order in orders:
            self._write(order)

    def _write(self, order: Order) -> None:
        self.tables.orders[order.id] = order
        event = announcement(order)
        if event is not None:
            self.emit(event)


class Clock:
    """A clock that stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, by: timedelta) -> None:
        self.now += by


def memory_database(clock: Clock | None = None) -> MemoryDatabase[MemoryStore]:
    return MemoryDatabase(MemoryStore, Tables(), clock or Clock())


def fake_once() -> FakeOnce:
    """A new idempotency key for the store in memory."""
    return FakeOnce(key=str(new_id()))
