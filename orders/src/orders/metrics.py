"""Metrics of orders: what waits for something, how much of it, and for how long."""

from prometheus_client import Gauge

from chassis.postgres import Database
from orders.postgres import Store

OPEN = Gauge("orders_open", "Orders that wait for something", ("kind",), multiprocess_mode="max")
OLDEST = Gauge(
    "orders_open_oldest_seconds",
    "For how long the one has that waits longest",
    ("kind",),
    multiprocess_mode="max",
)


def measure(database: Database[Store]) -> None:
    """Set the gauges; for the worker, again and again."""
    with database.read() as one:
        for kind, count, oldest_seconds in one.open_orders():
            OPEN.labels(kind).set(count)
            OLDEST.labels(kind).set(oldest_seconds)
