"""Entry point of the worker, put together here: `python -m orders.worker`. It does without Flask."""

from __future__ import annotations

from chassis import migrations
from chassis.housekeeping import housekeeping
from chassis.messaging import Consumer
from chassis.outbox import Relay
from chassis.postgres import Database
from chassis.settings import load_or_exit
from chassis.worker import Every, Worker
from orders.events import payment_handlers
from orders.metrics import counting, measure
from orders.postgres import Store
from orders.service import Orders
from orders.settings import MIGRATIONS, PREFIX, SERVICE, Settings

MEASURE_SECONDS = 5.0


def create_worker(settings: Settings) -> Worker:
    database = Database(settings, Store)
    orders = Orders(database, settings.currency, settings.payment_window)
    checks = {"database": database.ping, "schema": lambda: migrations.require(database, MIGRATIONS)}
    worker = Worker(SERVICE, settings, checks=checks)
    worker.add(Relay(SERVICE, database))
    handlers = counting(payment_handlers(orders))
    worker.add(Consumer(SERVICE, stream="payments", handlers=handlers, database=database))
    worker.add(Every("expire", settings.expiry_poll_seconds, orders.expire_orders))
    worker.add(Every("measure", MEASURE_SECONDS, lambda: measure(database)))
    worker.add(housekeeping(database))
    return worker


if __name__ == "__main__":
    create_worker(load_or_exit(Settings, PREFIX)).run()
