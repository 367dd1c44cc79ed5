"""Metrics of payments: webhooks by what became of them, what is open, and what diverges from the provider."""

from collections import Counter as Counts

from prometheus_client import Counter, Gauge

from chassis.postgres import Database
from payments.postgres import Store
from payments.service import Kind, Report

WEBHOOKS = Counter("payments_webhooks", "Webhooks: new, duplicate or the code of the refusal", ("result",))
OPEN = Gauge("payments_open", "Payments and refunds that are not settled", ("kind",), multiprocess_mode="max")
OLDEST = Gauge(
    "payments_open_oldest_seconds", "Age of the oldest of them", ("kind",), multiprocess_mode="max"
)
DIVERGENCES = Gauge(
    "payments_divergences",
    "Differences between the provider's books and ours, at the last comparison",
    ("kind",),
    multiprocess_mode="max",
)
COMPARED = Gauge(
    "payments_compared_timestamp_seconds", "When the books were compared last", multiprocess_mode="max"
)


def show_kinds() -> None:
    """Show every kind of divergence from the start: of a metric that is not there nobody is warned."""
    for kind in Kind:
        DIVERGENCES.labels(kind).set(0)


def tell(report: Report) -> None:
    """Set the gauges of a comparison."""
    found = Counts(each.kind for each in report.divergences)
    for kind in Kind:
        DIVERGENCES.labels(kind).set(found[kind])
    COMPARED.set_to_current_time()


def measure(database: Database[Store]) -> None:
    """Set the gauges; for the worker, again and again."""
    with database.read() as one:
        for kind, count, oldest_seconds in one.open_work():
            OPEN.labels(kind).set(count)
            OLDEST.labels(kind).set(oldest_seconds)
