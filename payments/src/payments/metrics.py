"""Metrics of payments: webhooks by what became of them, and what is open."""

from prometheus_client import Counter, Gauge

from chassis.postgres import Database
from payments.postgres import Store

WEBHOOKS = Counter("payments_webhooks", "Webhooks: new, duplicate or the code of the refusal", ("result",))
OPEN = Gauge("payments_open", "Payments and refunds that are not settled", ("kind",), multiprocess_mode="max")
OLDEST = Gauge(
    "payments_open_oldest_seconds", "Age of the oldest of them", ("kind",), multiprocess_mode="max"
)


def measure(database: Database[Store]) -> None:
    """Set the gauges; for the worker, again and again."""
    with database.read() as one:
        for kind, count, oldest_seconds in one.open_work():
            OPEN.labels(kind).set(count)
            OLDEST.labels(kind).set(oldest_seconds)
