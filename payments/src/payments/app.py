"""Composition: every part of the web processes and of the worker, made and wired in one place."""

from datetime import timedelta
from pathlib import Path

from flask import Flask

from chassis import health, migrations
from chassis.api import Api
from chassis.assertions import Signer, Verifier
from chassis.housekeeping import housekeeping
from chassis.messaging import Consumer
from chassis.outbox import Relay
from chassis.peers import Peer
from chassis.postgres import Database
from chassis.trust import TrustBundle
from chassis.web import create_flask
from chassis.worker import Every, Worker
from payments.api import add_payment_routes, add_webhook_route
from payments.clients import OrdersClient
from payments.events import ORDER_HANDLERS
from payments.metrics import measure
from payments.postgres import Store
from payments.rounds import comparisons, rounds
from payments.service import Payments, Reconciliation, Settlement
from payments.service.ports import Orders, Provider
from payments.settings import Settings
from payments.stripe_books import StripeBooks
from payments.stripe_provider import StripeProvider
from payments.stripe_webhooks import StripeWebhooks

SERVICE = "payments"
VERSION = "0.1.0"
MIGRATIONS = Path(__file__).parents[2] / "migrations"
MEASURE_SECONDS = 5.0
FORGET_SECONDS = 3600.0


def create_app(
    settings: Settings,
    *,
    database: Database[Store] | None = None,
    orders: Orders | None = None,
    provider: Provider | None = None,
) -> Flask:
    database = database or Database(settings, Store)
    app = create_flask(SERVICE, settings)
    readiness = health.of(app)
    readiness.register("database", database.ping)
    readiness.register("schema", lambda: migrations.require(database, MIGRATIONS))

    payments = Payments(
        database,
        orders or create_orders_client(settings),
        provider or create_provider(settings),
        settle_after=timedelta(seconds=settings.settle_after_seconds),
    )
    api = Api(SERVICE, VERSION, Verifier(TrustBundle.load(settings.trust_bundle_file), SERVICE))
    add_payment_routes(api, payments)
    add_webhook_route(api, payments, StripeWebhooks(settings.webhook_secrets()))
    api.init_app(app)
    return app


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


def create_orders_client(settings: Settings) -> OrdersClient:
    signer = Signer.load(settings.signing_key_file, SERVICE)
    # Quickly given up: the own copy is there, and the charge needs the rest of the request's time.
    return OrdersClient(Peer("orders", settings.orders_url, signer, read_timeout_seconds=1.0, attempts=2))


def create_provider(settings: Settings) -> StripeProvider:
    return StripeProvider(*stripe_access(settings))


def create_reconciliation(settings: Settings, database: Database[Store]) -> Reconciliation:
    window = timedelta(seconds=settings.reconcile_window_seconds)
    return Reconciliation(database, StripeBooks(*stripe_access(settings)), window)


def stripe_access(settings: Settings) -> tuple[str, str, float]:
    return settings.stripe_api_key.reveal(), settings.stripe_api_base, settings.stripe_timeout_seconds
