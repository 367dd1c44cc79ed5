"""The service on a real database, a real broker and a live sandbox, and clients that may call it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from doubles import MemoryOrders
from flask import Flask
from flask.testing import FlaskClient
from live_sandbox import API_KEY, LiveSandbox
from werkzeug.test import TestResponse

from chassis.ids import new_id
from chassis.postgres import Database
from chassis.settings import Secret
from chassis.testing.keys import Keys
from payments.app import MIGRATIONS, create_app, create_provider
from payments.domain import Order
from payments.postgres import Store
from payments.settings import Settings

WEBHOOK_SECRETS = ("whsec_old", "whsec_new")


@dataclass(frozen=True)
class Client:
    """A caller of the service, for whom the gateway vouches."""

    http: FlaskClient
    keys: Keys
    user_id: UUID | None = None
    roles: tuple[str, ...] = ()

    def call(self, method: str, path: str, key: str | None = None, **options: Any) -> TestResponse:
        headers = self.keys.headers("payments", self.user_id, roles=self.roles)
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.open(
            f"/api/v1/payments{path}", method=method, headers=headers | options.pop("headers", {}), **options
        )

    def pay(self, order: Order, method: str = "pm_card_visa", key: str | None = None) -> TestResponse:
        body = {"order_id": str(order.id), "payment_method": method}
        return self.call("POST", "", key or str(uuid4()), json=body)

    def refund(self, payment_id: str, key: str | None = None) -> TestResponse:
        return self.call("POST", f"/{payment_id}/refunds", key or str(uuid4()))


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"), "gateway", "payments", "orders")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory) -> Iterator[LiveSandbox]:
    live = LiveSandbox(tmp_path_factory.mktemp("sandbox"))
    live.start()
    yield live
    live.kill()


@pytest.fixture
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


@pytest.fixture
def database(settings) -> Iterator[Database[Store]]:
    there = Database(settings, Store)
    yield there
    there.close()


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
