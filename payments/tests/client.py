"""A client of the service."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.testing.keys import Keys
from payments.domain import Order


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
