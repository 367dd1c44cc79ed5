"""Entry point of the worker, put together here: `python -m payments.worker`. It does without Flask."""

from datetime import timedelta

from chassis import migrations
from chassis.housekeeping import housekeeping
from chassis.messaging import Consumer
from chassis.outbox import Relay
from chassis.postgres import Database
from chassis.settings import load_or_exit
from chassis.worker import Every, Worker
from payments.events import ORDER_HANDLERS
from payments.metrics import measure
from payments.postgres import Store
from payments.rounds import comparisons, rounds
from payments.service import Settlement
from payments.settings import MIGRATIONS, PREFIX, SERVICE, Settings
from payments.stripe_parts import create_provider, create_reconciliation

MEASURE_SECONDS = 5.0
FORGET_SECONDS = 3600.0


def create_worker(settings: Settings) -> Worker:
    database = Database(settings, Store)
    provider = create_provider(settings)
    settlement = Settlement(database, provider, timedelta(seconds=settings.settle_lease_seconds))
    checks = {"database": database.ping, "schema": lambda: migrations.require(database, MIGRATIONS)}
    worker = Worker(SERVICE, settings, checks=checks)
    worker.add(Relay(SERVICE, database))
    worker.add(Consumer(SERVICE, stream="orders", handlers=ORDER_HANDLERS, database=database))
    poll, at_once = settings.settle_poll_seconds, settings.settle_tasks
    worker.add(Every("settle", poll, rounds(settlement.settle_next, at_once)))
    worker.add(Every("refund", poll, rounds(settlement.refund_next, at_once)))
    worker.add(Every("measure", MEASURE_SECONDS, lambda: measure(database)))
    compare = comparisons(create_reconciliation(settings, database))
    worker.add(Every("reconcile", settings.reconcile_poll_seconds, compare))
    worker.add(Every("notices", FORGET_SECONDS, settlement.forget_notices))
    worker.add(housekeeping(database))
    return worker


if __name__ == "__main__":
    create_worker(load_or_exit(Settings, PREFIX)).run()
