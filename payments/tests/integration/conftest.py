"""The service on a real database, a real broker and a live sandbox, and clients that may call it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from client import Client
from doubles import MemoryOrders
from flask import Flask
from live_sandbox import LiveSandbox
from samples import API_KEY, WEBHOOK_SECRETS

from chassis.ids import new_id
from chassis.postgres import Database
from chassis.settings import Secret
from chassis.testing.keys import Keys
from payments.app import create_app
from payments.domain import Order
from payments.postgres import Store
from payments.settings import MIGRATIONS, Settings
from payments.stripe_parts import create_provider

TABLES = "given_by_hand, ledger_entries, refunds, payments, orders, notices, outbox, inbox, idempotency_keys"


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"), "gateway", "payments", "orders")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory) -> Iterator[LiveSandbox]:
    live = LiveSandbox(tmp_path_factory.mktemp("sandbox"))
    live.start()
    yield live
    live.kill()


@pytest.fixture(scope="session")
def settings(make_database, keys, sandbox) -> Settings:
    urls = make_database("payments", MIGRATIONS)
    return Settings(
        db_url=Secret(urls.runtime),
        db_owner_url=Secret(urls.owner),
        trust_bundle_file=keys.trust_bundle_file,
        signing_key_file=keys.signing_key_file("payments"),
        orders_url="http://127.0.0.1:9",
        stripe_api_base=sandbox.url,
        stripe_api_key=Secret(API_KEY),
        stripe_webhook_secrets=Secret(",".join(WEBHOOK_SECRETS)),
        db_pool_max_size=25,
    )


@pytest.fixture(scope="session")
def shared_database(settings) -> Iterator[Database[Store]]:
    there = Database(settings, Store)
    yield there
    there.close()


@pytest.fixture
def database(settings, shared_database) -> Iterator[Database[Store]]:
    """A database that is empty again after the test."""
    yield shared_database
    with psycopg.connect(settings.db_owner_url.reveal()) as owner:
        owner.execute(f"TRUNCATE {TABLES}")


@pytest.fixture
def orders() -> MemoryOrders:
    return MemoryOrders()


@pytest.fixture
def app(settings, database, orders) -> Flask:
    return create_app(settings, database=database, orders=orders, provider=create_provider(settings))


@pytest.fixture
def anna(app, keys) -> Client:
    return Client(app.test_client(), keys, uuid4())


@pytest.fixture
def admin(app, keys) -> Client:
    return Client(app.test_client(), keys, uuid4(), ("admin",))


@pytest.fixture
def placed(orders) -> Callable[..., Order]:
    """Place an order of somebody: `placed(anna, total=1999)`."""

    def place(client: Client, total: int = 1999) -> Order:
        expires_at = datetime.now(UTC) + timedelta(minutes=15)
        order = Order(id=new_id(), user_id=client.user_id, total=total, currency="EUR", expires_at=expires_at)
        orders.known[order.id] = order
        return order

    return place
