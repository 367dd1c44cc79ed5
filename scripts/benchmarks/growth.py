"""Growth: the same requests with few orders stored and with very many."""

import contextlib
from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.laboratory import ADD_PRODUCTS, PRODUCTS, Laboratory
from benchmarks.placing import placing
from benchmarks.plan import Plan
from benchmarks.rounds import Contender, Race, race
from benchmarks.wrk import Target
from chassis import embedded
from stack import processes, settings

FEW = 1000
ORDERS_OF_EACH = 100
SHOPPER = "00000000-0000-4000-8000-000000000000"
# One order a second until now, paid long ago, of two products, each user's spread over the whole time.
ADD_ORDERS = """
    INSERT INTO orders
        (id, user_id, status, total, currency, payment_id, version, created_at, updated_at, expires_at)
    SELECT
        uuidv7(made.at - now()),
        ('00000000-0000-4000-8000-' || lpad(to_hex(n % {users}), 12, '0'))::uuid,
        'PAID',
        2010,
        'EUR',
        gen_random_uuid(),
        2,
        made.at,
        made.at,
        made.at + interval '15 min'
    FROM generate_series(1, {orders}) AS n
    CROSS JOIN LATERAL (SELECT now() - make_interval(secs => {orders} - n) AS at) AS made
"""
ADD_ITEMS = """
    INSERT INTO order_items (order_id, sku, position, name, quantity, unit_price)
    SELECT o.id, 'BENCH-' || lpad((1 + (n * 7 + o.total) % {products})::text, 3, '0'), n, 'Product', 1, 1005
    FROM orders AS o
    CROSS JOIN generate_series(1, 2) AS n
"""


def store(lab: Laboratory, database: str, orders: int) -> str:
    """Make a database of the orders service with so many orders in it; returns its URL."""
    lab.sql("postgres", *embedded.service_database_sql("orders", database))
    owner = settings.database_url(lab.places, "orders_owner", database)
    told = lab.tell(database, "orders", {"ORDERS_DB_OWNER_URL": owner})
    with_env, python = lab.places.root / "scripts" / "with-env", lab.places.python("orders")
    command = [with_env, told, python, "-m", "chassis.migrations", "orders", "migrations"]
    processes.run([str(part) for part in command], lab.places.root / "orders")
    lab.sql(
        database,
        "SET session_replication_role = replica",  # the rows are good: no foreign key is looked up for them
        ADD_PRODUCTS.format(products=PRODUCTS),
        ADD_ORDERS.format(orders=orders, users=max(1, orders // ORDERS_OF_EACH)),
        ADD_ITEMS.format(products=PRODUCTS),
        "VACUUM ANALYZE",
        "CHECKPOINT",
    )
    return settings.database_url(lab.places, "orders_runtime", database)


def growth(lab: Laboratory, plan: Plan) -> list[Figure]:
    """Measure the service itself, which makes more of a difference than one behind the gateway would."""
    urls = {count: store(lab, f"orders_{count}", count) for count in (FEW, plan.stored_orders)}

    def contender(count: int, write: bool) -> Contender:
        @contextlib.contextmanager
        def start() -> Iterator[Target]:
            with lab.web("orders", {"ORDERS_DB_URL": urls[count]}) as address:
                headers = lab.vouched(SHOPPER)
                yield placing(address, headers) if write else Target(f"{address}/api/v1/orders", headers)

        return Contender(f"{count:,} orders", start)

    figures = []
    for name, write, clients in (
        ("GET of a list page", False, plan.clients),
        ("POST of an order", True, plan.writers),
    ):
        found = race(lab, "growth", [contender(count, write) for count in urls], plan, clients)
        figures.append(slower(found, f"{name} with {plan.stored_orders:,} orders, of with {FEW:,}", *urls))
    return figures


def slower(found: Race, name: str, few: int, many: int) -> Figure:
    """Return how many times as long a request takes with many orders, in each round."""
    names = [f"{count:,} orders" for count in (few, many)]
    if absent := found.absent(*names):
        return Figure("growth", name, 1.2, "x", at_most=True, missing=absent)
    pairs = zip(*(found.rates(one) for one in names), strict=True)
    return Figure("growth", name, 1.2, "x", [rate / slow for rate, slow in pairs], at_most=True)
