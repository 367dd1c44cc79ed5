"""Composition: every part of the web processes, made and wired in one place."""

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask

from chassis import health, migrations
from chassis.api import Api
from chassis.assertions import Signer, Verifier
from chassis.peers import Peer
from chassis.postgres import Database
from chassis.tls_settings import credentials_in
from chassis.trust import TrustBundle
from chassis.web import create_flask
from payments.api import add_payment_routes, add_webhook_route
from payments.clients import OrdersClient
from payments.postgres import Store
from payments.service import Payments
from payments.service.ports import Orders, Provider
from payments.settings import MIGRATIONS, PREFIX, SERVICE, Settings
from payments.stripe_parts import create_provider
from payments.stripe_webhooks import StripeWebhooks

if TYPE_CHECKING:
    from chassis.tls import Credentials

VERSION = "0.1.0"


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
    readiness.register("database", database.ping, setting=f"{PREFIX}DB_URL")
    readiness.register("schema", lambda: migrations.require(database, MIGRATIONS), setting=f"{PREFIX}DB_URL")

    payments = Payments(
        database,
        orders or create_orders_client(settings, credentials_in(app)),
        provider or create_provider(settings),
        settle_after=timedelta(seconds=settings.settle_after_seconds),
    )
    api = Api(SERVICE, VERSION, Verifier(TrustBundle.load(settings.trust_bundle_file), SERVICE))
    add_payment_routes(api, payments)
    add_webhook_route(api, payments, StripeWebhooks(settings.webhook_secrets()))
    api.init_app(app)
    return app


def create_orders_client(settings: Settings, credentials: "Credentials | None" = None) -> OrdersClient:
    signer = Signer.load(settings.signing_key_file, SERVICE)
    # Quickly given up: the own copy is there, and the charge needs the rest of the request's time.
    peer = Peer("orders", settings.orders_url, signer, read_timeout_seconds=1.0, attempts=2, tls=credentials)
    return OrdersClient(peer)
