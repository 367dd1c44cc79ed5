"""The bare service: Flask and psycopg, one order by its id, with the query and the answer of the real one.

No identity, no logs, no metrics, no deadline. Served by gunicorn's gevent worker or by granian; DB_URL is its database.
"""

import os
from datetime import datetime

from flask import Flask, Response, jsonify
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

ORDER = """
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
    WHERE o.id = %(id)s
"""
ITEM = ("sku", "name", "quantity", "unit_price")

app = Flask(__name__)
# Without a transaction around a single SELECT: one round trip, as in the real service.
pool = ConnectionPool(
    os.environ["DB_URL"],
    min_size=1,
    max_size=10,
    open=True,
    kwargs={"autocommit": True, "row_factory": dict_row},
)


@app.get("/api/v1/orders/<uuid:order_id>")
def get_order(order_id: str) -> Response:
    with pool.connection() as conn:
        row = conn.execute(ORDER, {"id": order_id}).fetchone()
    return jsonify(
        id=str(row["id"]),
        status=row["status"],
        items=[dict(zip(ITEM, item, strict=True)) for item in row["items"]],
        total=row["total"],
        currency=row["currency"],
        version=row["version"],
        created_at=written(row["created_at"]),
        updated_at=written(row["updated_at"]),
        expires_at=written(row["expires_at"]),
    )


def written(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
