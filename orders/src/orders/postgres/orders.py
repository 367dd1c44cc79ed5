"""PostgreSQL: the statements about orders and what was ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis.postgres import Transaction
from orders.domain import Item, Order, Status
from orders.events import announcement

SELECT_ORDER = """
    SELECT
        o.id,
        o.user_id,
        o.status,
        o.total,
        o.currency,
        o.payment_id,
        o.version,
        o.created_at,
        o.updated_at,
        o.expires_at,
        (
            SELECT json_agg(json_build_array(i.sku, i.name, i.quantity, i.unit_price) ORDER BY i.position)
            FROM order_items AS i
            WHERE i.order_id = o.id
        ) AS items
    FROM orders AS o
"""


class OrderStatements(Transaction):
    def order(self, order_id: UUID) -> Order | None:
        return self._order(f"{SELECT_ORDER} WHERE o.id = %(id)s", order_id)

    def lock_order(self, order_id: UUID) -> Order | None:
        return self._order(f"{SELECT_ORDER} WHERE o.id = %(id)s FOR UPDATE OF o", order_id)

    def lock_due_orders(self, limit: int) -> list[Order]:
        """Unpaid orders whose time is over; those that somebody else is moving are left to them."""
        return self._orders(
            f"""
            {SELECT_ORDER}
            WHERE o.status = 'PENDING' AND o.expires_at <= now()
            ORDER BY o.expires_at
            LIMIT %(limit)s
            FOR UPDATE OF o SKIP LOCKED
            """,
            {"limit": limit},
        )

    def orders_before(self, position: UUID | None, user_id: UUID, limit: int) -> list[Order]:
        """Newest first: ids are made in order of time."""
        return self._orders(
            f"""
            {SELECT_ORDER}
            WHERE o.user_id = %(user_id)s AND o.id < %(position)s
            ORDER BY o.id DESC
            LIMIT %(limit)s
            """,
            {"user_id": user_id, "position": position or UUID(int=2**128 - 1), "limit": limit},
        )

    def orders_changed_since(self, versions: Mapping[UUID, int]) -> list[Order]:
        return self._orders(
            f"""
            {SELECT_ORDER}
            JOIN unnest(%(ids)s::uuid[], %(versions)s::integer[]) AS seen (id, version) ON seen.id = o.id
            WHERE o.version > seen.version
            """,
            {"ids": list(versions), "versions": list(versions.values())},
        )

    def open_orders(self) -> list[tuple[str, int, float]]:
        """Orders that wait: for what, how many there are, and for how many seconds the first of them has."""
        rows = self.conn.execute(
            """
            SELECT
                'unpaid' AS kind,
                count(*) AS open,
                coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest_seconds
            FROM orders
            WHERE status = 'PENDING'
            UNION ALL
            SELECT
                'overdue',
                count(*),
                coalesce(extract(epoch FROM now() - min(expires_at)), 0)::float
            FROM orders
            WHERE status = 'PENDING' AND expires_at <= now()
            UNION ALL
            SELECT
                'refund_owed',
                count(*),
                coalesce(extract(epoch FROM now() - min(updated_at)), 0)::float
            FROM orders
            WHERE status = 'CANCELLED' AND payment_id IS NOT NULL
            """
        )
        return [(row["kind"], row["open"], row["oldest_seconds"]) for row in rows]

    def add_order(self, order: Order) -> None:
        self.conn.execute(
            """
            INSERT INTO orders (
                id,
                user_id,
                status,
                total,
                currency,
                payment_id,
                version,
                created_at,
                updated_at,
                expires_at
            )
            VALUES (
                %(id)s,
                %(user_id)s,
                %(status)s,
                %(total)s,
                %(currency)s,
                %(payment_id)s,
                %(version)s,
                %(created_at)s,
                %(updated_at)s,
                %(expires_at)s
            )
            """,
            _columns(order),
        )
        self._add_items(order)
        self._announce(order)

    def _add_items(self, order: Order) -> None:
        self.conn.execute(
            """
            INSERT INTO order_items (order_id, sku, name, quantity, unit_price, position)
            SELECT %(order_id)s, sku, name, quantity, unit_price, position
            FROM unnest(
                %(skus)s::text[],
                %(names)s::text[],
                %(quantities)s::integer[],
                %(unit_prices)s::bigint[]
            ) WITH ORDINALITY AS item (sku, name, quantity, unit_price, position)
            """,
            {
                "order_id": order.id,
                "skus": [item.sku for item in order.items],
                "names": [item.name for item in order.items],
                "quantities": [item.quantity for item in order.items],
                "unit_prices": [item.unit_price for item in order.items],
            },
        )

    def save_orders(self, orders: Sequence[Order]) -> None:
        """Write what a move changes, with the event of each move."""
        with self.conn.pipeline(), self.conn.cursor() as cursor:
            cursor.executemany(
                """
                UPDATE orders
                SET
                    status     = %(status)s,
                    payment_id = %(payment_id)s,
                    version    = %(version)s,
                    updated_at = %(updated_at)s
                WHERE id = %(id)s
                """,
                [_columns(order) for order in orders],
            )
            for order in orders:
                self._announce(order)

    def _announce(self, order: Order) -> None:
        event = announcement(order)
        if event is not None:
            self.emit(event)

    def _order(self, statement: str, order_id: UUID) -> Order | None:
        return next(iter(self._orders(statement, {"id": order_id})), None)

    def _orders(self, statement: str, parameters: Mapping[str, Any]) -> list[Order]:
        return [_entity(row) for row in self.conn.execute(statement, parameters)]


def _entity(row: dict[str, Any]) -> Order:
    items = tuple(Item(*columns) for columns in row.pop("items"))
    return Order(items=items, status=Status(row.pop("status")), **row)


def _columns(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in Order.__slots__ if name != "items"}
