"""The service on a real database, and clients that may call it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from callers import Client
from flask import Flask
from shop import product

from chassis.ids import new_id
from chassis.postgres import Database
from chassis.settings import Secret
from chassis.testing.keys import Keys
from orders.app import create_app
from orders.domain import Product
from orders.postgres import Store
from orders.service import Catalogue, Orders
from orders.settings import MIGRATIONS, Settings


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"), "gateway", "payments", "orders")


@pytest.fixture(scope="session")
def foreign_keys(tmp_path_factory) -> Keys:
    """Keys of somebody who says to be the gateway."""
    return Keys(tmp_path_factory.mktemp("foreign-keys"), "gateway")


@pytest.fixture(scope="session")
def make_settings(make_database, keys):
    """Settings of the service on a new database: `make_settings(log_level="DEBUG")`."""

    def make_settings(**values: Any) -> Settings:
        urls = make_database("orders", MIGRATIONS)
        return Settings(
            db_url=Secret(urls.runtime),
            db_owner_url=Secret(urls.owner),
            trust_bundle_file=keys.trust_bundle_file,
            signing_key_file=keys.signing_key_file("orders"),
            **values,
        )

    return make_settings


@pytest.fixture(scope="session")
def settings(make_settings) -> Settings:
    return make_settings(db_pool_max_size=30, db_pool_timeout_seconds=10.0)


@pytest.fixture(scope="session")
def shared_database(settings) -> Iterator[Database[Store]]:
    there = Database(settings, Store)
    yield there
    there.close()


@pytest.fixture
def database(settings, shared_database) -> Database[Store]:
    """The database, with nothing in it; making a new one for each test would take ten times as long."""
    with psycopg.connect(settings.db_owner_url.reveal()) as owner:
        owner.execute("TRUNCATE products, orders, order_items, outbox, inbox, idempotency_keys")
    return shared_database


@pytest.fixture
def orders(settings, database) -> Orders:
    return Orders(database, settings.currency, settings.payment_window)


@pytest.fixture
def catalogue(database) -> Catalogue:
    return Catalogue(database, "EUR")


@pytest.fixture
def stocked(database):
    """Put products on the shelf: `stocked("TEA-1", stock=10)`."""

    def stocked(sku: str = "TEA-1", **values: Any) -> Product:
        with database.transaction() as tx:
            return tx.put_product(replace(product(sku), id=new_id(), **values))

    return stocked


@pytest.fixture
def app(settings, database) -> Flask:
    return create_app(settings, database=database)


@pytest.fixture
def anna(app, keys) -> Client:
    return Client(app.test_client(), keys, uuid4())


@pytest.fixture
def bert(app, keys) -> Client:
    return Client(app.test_client(), keys, uuid4())


@pytest.fixture
def admin(app, keys) -> Client:
    return Client(app.test_client(), keys, uuid4(), roles=("admin",))
