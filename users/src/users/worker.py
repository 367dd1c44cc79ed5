"""Entry point of the worker: `python -m users.worker`."""

from chassis import migrations
from chassis.housekeeping import housekeeping
from chassis.messaging import Consumer
from chassis.outbox import Relay
from chassis.postgres import Database
from chassis.settings import load_or_exit
from chassis.tasks import Every
from chassis.worker import Worker
from users import events
from users.postgres import Transaction
from users.service import forget_expired
from users.settings import MIGRATIONS, PREFIX, SERVICE, Settings

FORGET_EXPIRED_EVERY_SECONDS = 3600.0


def create_worker(settings: Settings) -> Worker:
    database = Database(settings, Transaction)
    checks = {"database": database.ping, "schema": lambda: migrations.require(database, MIGRATIONS)}
    worker = Worker(SERVICE, settings, checks=checks)
    worker.add(Relay(SERVICE, database))
    worker.add(Consumer(SERVICE, stream="orders", handlers=events.ORDERS, database=database))
    worker.add(Consumer(SERVICE, stream="payments", handlers=events.PAYMENTS, database=database))
    worker.add(
        Every(
            "expired sessions and revocations",
            FORGET_EXPIRED_EVERY_SECONDS,
            lambda: forget_expired(database),
        )
    )
    worker.add(housekeeping(database))
    return worker


if __name__ == "__main__":
    create_worker(load_or_exit(Settings, PREFIX)).run()
