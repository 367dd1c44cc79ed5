"""Composition: every part of the web processes, made and wired in one place."""

from __future__ import annotations

from flask import Flask

from chassis import health, migrations
from chassis.api import Api
from chassis.assertions import Verifier
from chassis.postgres import Database
from chassis.trust import TrustBundle
from chassis.web import create_flask
from orders.api import add_catalogue_routes, add_following_route, add_order_routes
from orders.feed import Feed
from orders.postgres import Store
from orders.service import Catalogue, Orders
from orders.settings import MIGRATIONS, PREFIX, SERVICE, Settings

VERSION = "0.1.0"


def create_app(settings: Settings, *, database: Database[Store] | None = None) -> Flask:
    database = database or Database(settings, Store)
    app = create_flask(SERVICE, settings)
    readiness = health.of(app)
    readiness.register("database", database.ping, setting=f"{PREFIX}DB_URL")
    readiness.register("schema", lambda: migrations.require(database, MIGRATIONS), setting=f"{PREFIX}DB_URL")

    orders = Orders(database, settings.currency, settings.payment_window)
    feed = Feed(orders.changed_since, is_draining=lambda: readiness.draining)
    api = Api(SERVICE, VERSION, Verifier(TrustBundle.load(settings.trust_bundle_file), SERVICE))
    add_catalogue_routes(api, Catalogue(database, settings.currency))
    add_order_routes(api, orders)
    add_following_route(api, orders, feed)
    api.init_app(app)
    return app
