"""PostgreSQL: the statements about orders, as far as payments knows them."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from chassis.postgres import Transaction
from payments.domain import Order

SELECT_ORDER = """
    SELECT
        o.id,
        o.user_id,
        o.total,
        o.currency,
        o.expires_at,
        o.closed_at IS NULL AS open
    FROM orders AS o
"""


class OrderStatements(Transaction):
    def order(self, order_id: UUID) -> Order | None:
        return self._order(f"{SELECT_ORDER} WHERE o.id = %(id)s", {"id": order_id})

    def lock_order_of(self, payment_id: UUID) -> Order | None:
        return self._order(
            f"""
            {SELECT_ORDER}
            JOIN payments AS p ON p.order_id = o.id
            WHERE p.id = %(payment_id)s
            FOR UPDATE OF o
            """,
            {"payment_id": payment_id},
        )

    def remember_order(self, order: Order) -> Order:
        known = self._order(
            """
            INSERT INTO orders AS o (id, user_id, total, currency, expires_at)
            VALUES (
                %(id)s,
                %(user_id)s,
                %(total)s,
                %(currency)s,
                %(expires_at)s
            )
            ON CONFLICT (id) DO UPDATE SET
                expires_at = EXCLUDED.expires_at
            RETURNING
                o.id,
                o.user_id,
                o.total,
                o.currency,
                o.expires_at,
                o.closed_at IS NULL AS open
            """,
            asdict(order),
        )
        assert known is not None
        return known

    def close_order(self, order: Order) -> None:
        self.conn.execute(
            """
            INSERT INTO orders AS o (id, user_id, total, currency, expires_at, closed_at)
            VALUES (
                %(id)s,
                %(user_id)s,
                %(total)s,
                %(currency)s,
                %(expires_at)s,
                now()
            )
            ON CONFLICT (id) DO UPDATE SET
                closed_at = coalesce(o.closed_at, now())
            """,
            asdict(order),
        )

    def _order(self, statement: str, parameters: dict[str, Any]) -> Order | None:
        row = self.conn.execute(statement, parameters).fetchone()
        return Order(**row) if row else None
