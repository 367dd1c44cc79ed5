"""PostgreSQL: the statements about products and their stock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, astuple, replace
from uuid import UUID

from chassis.postgres import Transaction
from orders.domain import Item, Line, Loaded, Product

SELECT_PRODUCT = """
    SELECT
        id,
        sku,
        name,
        description,
        category,
        price,
        currency,
        stock,
        updated_at
    FROM products
"""
COPY_PRODUCTS = """
    COPY products_incoming (id, sku, name, description, category, price, currency, stock, updated_at)
    FROM STDIN
"""


class ProductStatements(Transaction):
    def product(self, sku: str) -> Product | None:
        row = self.conn.execute(f"{SELECT_PRODUCT} WHERE sku = %(sku)s", {"sku": sku}).fetchone()
        return Product(**row) if row else None

    def products_after(self, position: UUID | None, limit: int) -> list[Product]:
        rows = self.conn.execute(
            f"{SELECT_PRODUCT} WHERE id > %(position)s ORDER BY id LIMIT %(limit)s",
            {"position": position or UUID(int=0), "limit": limit},
        )
        return [Product(**row) for row in rows]

    def put_product(self, product: Product) -> Product:
        """Insert the product, or change the one of its sku; returns it with the id it has in the table."""
        row = self.conn.execute(
            """
            INSERT INTO products (id, sku, name, description, category, price, currency, stock, updated_at)
            VALUES (
                %(id)s,
                %(sku)s,
                %(name)s,
                %(description)s,
                %(category)s,
                %(price)s,
                %(currency)s,
                %(stock)s,
                %(updated_at)s
            )
            ON CONFLICT (sku) DO UPDATE SET
                name        = EXCLUDED.name,
                description = EXCLUDED.description,
                category    = EXCLUDED.category,
                price       = EXCLUDED.price,
                currency    = EXCLUDED.currency,
                stock       = EXCLUDED.stock,
                updated_at  = EXCLUDED.updated_at
            RETURNING id
            """,
            asdict(product),
        ).fetchone()
        return replace(product, id=row["id"])

    def load_products(self, products: Iterable[Product]) -> Loaded:
        """Insert or change many products, in order of sku; no row is locked before the last one is read."""
        with self.conn.cursor() as cursor, cursor.copy(COPY_PRODUCTS) as copy:
            for product in products:
                copy.write_row(astuple(product))
        row = self.conn.execute(
            """
            WITH incoming AS (
                DELETE FROM products_incoming
                RETURNING id, sku, name, description, category, price, currency, stock, updated_at
            ), written AS (
                INSERT INTO products AS p
                    (id, sku, name, description, category, price, currency, stock, updated_at)
                SELECT id, sku, name, description, category, price, currency, stock, updated_at
                FROM incoming
                ORDER BY sku
                ON CONFLICT (sku) DO UPDATE SET
                    name        = EXCLUDED.name,
                    description = EXCLUDED.description,
                    category    = EXCLUDED.category,
                    price       = EXCLUDED.price,
                    currency    = EXCLUDED.currency,
                    stock       = EXCLUDED.stock,
                    updated_at  = EXCLUDED.updated_at
                WHERE (p.name, p.description, p.category, p.price, p.currency, p.stock)
                    IS DISTINCT FROM (
                        EXCLUDED.name,
                        EXCLUDED.description,
                        EXCLUDED.category,
                        EXCLUDED.price,
                        EXCLUDED.currency,
                        EXCLUDED.stock
                    )
                RETURNING p.id
            )
            SELECT
                count(written.id)                                  AS added,
                (SELECT count(*) FROM written) - count(written.id) AS changed,
                count(*) - (SELECT count(*) FROM written)          AS unchanged
            FROM incoming
            LEFT JOIN written USING (id)
            """
        ).fetchone()
        return Loaded(**row)

    def known_skus(self, skus: Collection[str], currency: str) -> set[str]:
        rows = self.conn.execute(
            "SELECT sku FROM products WHERE sku = ANY(%(skus)s) AND currency = %(currency)s",
            {"skus": list(skus), "currency": currency},
        )
        return {row["sku"] for row in rows}

    def reserve(self, lines: Sequence[Line], currency: str) -> list[Item]:
        """Take the pieces of each line that has enough. Locks are taken by sku: none wait in a ring."""
        with self.conn.cursor() as cursor:
            cursor.executemany(
                """
                UPDATE products
                SET
                    stock      = stock - %(quantity)s,
                    updated_at = now()
                WHERE sku = %(sku)s
                    AND currency = %(currency)s
                    AND stock >= %(quantity)s
                RETURNING
                    sku,
                    name,
                    %(quantity)s AS quantity,
                    price AS unit_price
                """,
                [
                    {"sku": line.sku, "quantity": line.quantity, "currency": currency}
                    for line in sorted(lines, key=lambda line: line.sku)
                ],
                returning=True,
            )
            reserved = {row["sku"]: Item(**row) for result in cursor.results() for row in result}
        return [reserved[line.sku] for line in lines if line.sku in reserved]

    def release(self, items: Iterable[Item]) -> None:
        """Put pieces back, in order of sku as well."""
        pieces: Counter[str] = Counter()
        for item in items:
            pieces[item.sku] += item.quantity
        with self.conn.cursor() as cursor:
            cursor.executemany(
                """
                UPDATE products
                SET
                    stock      = stock + %(quantity)s,
                    updated_at = now()
                WHERE sku = %(sku)s
                """,
                [{"sku": sku, "quantity": quantity} for sku, quantity in sorted(pieces.items())],
            )
