"""Composition: every part of the web processes and of the worker, made and wired in one place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask

from chassis import health, migrations
from chassis.api import Api
from chassis.assertions import Verifier
from chassis.housekeeping import housekeeping
from chassis.messaging import Consumer
from chassis.outbox import Relay
from chassis.postgres import Database
from chassis.trust import TrustBundle
from chassis.web import create_flask
from chassis.worker import Every, Worker
from orders.api import add_catalogue_routes, add_following_route, add_order_routes
from orders.events import payment_handlers
from orders.feed import Feed
from orders.metrics import measure
from orders.postgres import Store
from orders.service import Catalogue, Orders
from orders.settings import Settings

SERVICE = "orders"
VERSION = "0.1.0"
MEASURE_SECONDS = 5.0
MIGRATIONS = Path(__file__).parents[2] / "migrations"


def create_app(settings: Settings, *, database: Database[Store] | None = None) -> Flask:
    database = database or Database(settings, Store)
    app = create_flask(SERVICE, settings)
    readiness = health.of(app)
    readiness.register("database", database.ping)
    readiness.register("schema", lambda: migrations.require(database, MIGRATIONS))

    orders = create_orders(settings, database)
    feed = Feed(orders.changed_since, is_draining=lambda: readiness.draining)
    api = Api(SERVICE, VERSION, Verifier(TrustBundle.load(settings.trust_bundle_file), SERVICE))
    add_catalogue_routes(api, Catalogue(database, settings.currency))
    add_order_routes(api, orders)
    add_following_route(api, orders, feed)
    api.init_app(app)
    return app


def create_worker(settings: Settings) -> Worker:
    database = Database(settings, Store)
    orders = create_orders(settings, database)
    checks = {"database": database.ping, "schema": lambda: migrations.require(database, MIGRATIONS)}
    worker = Worker(SERVICE, settings, checks=checks)
    worker.add(Relay(SERVICE, database))
    worker.add(Consumer(SERVICE, stream="payments", handlers=payment_handlers(orders), database=database))
    worker.add(Every("expire", settings.expiry_poll_seconds, orders.expire_orders))
    worker.add(Every("measure", MEASURE_SECONDS, lambda: measure(database)))
    worker.add(housekeeping(database))
    return worker


def create_orders(settings: Settings, database: Database[Store]) -> Orders:
    return Orders(database, settings.currency, timedelta(seconds=settings.payment_window_seconds))
