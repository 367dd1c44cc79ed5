"""The bare script: places orders with the statements of the real service, in the same transactions, and nothing else.

Usage: place_orders.py SECONDS CONNECTIONS PRODUCTS, with DB_URL; two processes share the connections, a thread each.
It prints how many orders it placed and how long one took, in milliseconds, as JSON.
"""

import json
import multiprocessing
import os
import random
import sys
import threading
import time
import uuid
from datetime import timedelta

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

PROCESSES = 2
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
TOLD = ("sku", "quantity", "unit_price")

CLAIM = """
    WITH door AS MATERIALIZED (
        SELECT pg_try_advisory_xact_lock(%(lock)s) AS free
    ), claim AS (
        INSERT INTO idempotency_keys (caller, route, key, id, fingerprint, holder, held_until)
        SELECT %(caller)s, 'POST /api/v1/orders', %(key)s, %(id)s, %(fingerprint)s, 1, now() + interval '30 s'
        FROM door
        WHERE free
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    SELECT free, (SELECT id FROM claim) AS id, now() AS now FROM door
"""
RESERVE = """
    UPDATE products
    SET stock = stock - %(quantity)s, updated_at = now()
    WHERE sku = %(sku)s AND currency = 'EUR' AND stock >= %(quantity)s
    RETURNING sku, name, %(quantity)s AS quantity, price AS unit_price
"""
ADD_ORDER = """
    INSERT INTO orders (id, user_id, status, total, currency, payment_id, version, created_at, updated_at, expires_at)
    VALUES (%(id)s, %(user_id)s, 'PENDING', %(total)s, 'EUR', NULL, 1, %(now)s, %(now)s, %(expires_at)s)
"""
ADD_ITEMS = """
    INSERT INTO order_items (order_id, sku, name, quantity, unit_price, position)
    SELECT %(id)s, sku, name, quantity, unit_price, position
    FROM unnest(%(skus)s::text[], %(names)s::text[], %(quantities)s::integer[], %(prices)s::bigint[])
        WITH ORDINALITY AS item (sku, name, quantity, unit_price, position)
"""
EMIT = """
    INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent)
    VALUES (%(event)s, 'order.placed', %(id)s, 1, %(data)s, 'bench', %(traceparent)s)
"""
ANSWER = """
    UPDATE idempotency_keys
    SET status = 201, body = %(body)s
    WHERE caller = %(caller)s AND route = 'POST /api/v1/orders' AND key = %(key)s AND id = %(id)s AND status IS NULL
"""


def place(conn, user_id, skus):
    """Place one order of one piece of each."""
    order_id, key = uuid.uuid4(), str(uuid.uuid4())
    scope = {"caller": str(user_id), "key": key, "id": order_id}
    conn.execute("BEGIN")
    claim = scope | {"lock": random.getrandbits(62), "fingerprint": os.urandom(32)}
    now = conn.execute(CLAIM, claim).fetchone()["now"]
    with conn.cursor() as cursor:
        lines = [{"sku": sku, "quantity": 1} for sku in sorted(skus)]
        cursor.executemany(RESERVE, lines, returning=True)
        items = [row for result in cursor.results() for row in result]
    order = {"id": order_id, "user_id": user_id, "now": now, "expires_at": now + timedelta(minutes=15)}
    order["total"] = sum(item["unit_price"] for item in items)
    columns = {name: [item[name] for item in items] for name in ("sku", "name", "quantity", "unit_price")}
    listed = dict(zip(("skus", "names", "quantities", "prices"), columns.values(), strict=True))
    expires_at = order["expires_at"].isoformat()
    told = {"order_id": str(order_id), "user_id": str(user_id), "total": order["total"], "currency": "EUR"}
    told |= {"items": [{name: item[name] for name in TOLD} for item in items], "expires_at": expires_at}
    with conn.pipeline():
        conn.execute(ADD_ORDER, order)
        conn.execute(ADD_ITEMS, listed | {"id": order_id})
        conn.execute(EMIT, {"event": uuid.uuid4(), "id": order_id, "data": Jsonb(told), "traceparent": TRACE})
        conn.execute(ANSWER, scope | {"body": json.dumps(told).encode()})
    conn.execute("COMMIT; NOTIFY outbox")


def place_until(end, products, placed):
    """Place orders on a connection of its own until it is time to end."""
    user_id = uuid.uuid4()
    with psycopg.connect(os.environ["DB_URL"], autocommit=True, row_factory=dict_row) as conn:
        while time.monotonic() < end:
            one = random.randrange(products)
            began = time.monotonic()
            place(conn, user_id, [f"BENCH-{n + 1:03}" for n in (one, (one + 1) % products)])
            placed.append(1000 * (time.monotonic() - began))


def share(seconds, connections, products, times):
    """Place orders on some connections at once; one process."""
    placed, end = [], time.monotonic() + seconds
    threads = [threading.Thread(target=place_until, args=(end, products, placed)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.put(placed)


if __name__ == "__main__":
    seconds, connections, products = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    times = multiprocessing.Queue()
    arguments = (seconds, connections // PROCESSES, products, times)
    processes = [multiprocessing.Process(target=share, args=arguments) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    taken = sorted(one for _ in processes for one in times.get())
    for process in processes:
        process.join()
    p50, p99 = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
    print(json.dumps({"orders": len(taken), "p50": p50, "p99": p99}))
