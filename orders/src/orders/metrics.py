"""Metrics of orders: what waits for something, how much of it, and for how long; and the money."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

from chassis.events import Received
from chassis.postgres import Database
from orders.events import Handler
from orders.postgres import Store
from orders.service import Transaction

OPEN = Gauge("orders_open", "Orders that wait for something", ("kind",), multiprocess_mode="max")
OLDEST = Gauge(
    "orders_open_oldest_seconds",
    "For how long the one has that waits longest",
    ("kind",),
    multiprocess_mode="max",
)

MONEY = Counter(
    "orders_money_minor_units", "Money paid and refunded, as payments told of it", ("kind", "currency")
)
MOVES = {"payment.succeeded": "paid", "payment.refunded": "refunded"}


def counting(handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """Return handlers that count the money of their events as well. It is for curves, not for the books: an event
    whose commit fails is counted again."""
    return {type: _counted(handler, MOVES[type]) for type, handler in handlers.items()}


def _counted(handler: Handler, kind: str) -> Handler:
    def count(tx: Transaction, event: Received) -> None:
        handler(tx, event)
        MONEY.labels(kind, event.data["currency"]).inc(event.data["amount"])

    return count


def measure(database: Database[Store]) -> None:
    """Set the gauges; for the worker, again and again."""
    with database.read() as one:
        for kind, count, oldest_seconds in one.open_orders():
            OPEN.labels(kind).set(count)
            OLDEST.labels(kind).set(oldest_seconds)
