"""Callers of the service over HTTP, vouched for by an issuer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.testing.keys import Keys


@dataclass(frozen=True)
class Client:
    """Someone who calls: a user, or nobody in particular."""

    http: FlaskClient
    keys: Keys
    user_id: UUID | None = None
    issuer: str = "gateway"
    roles: tuple[str, ...] = ()

    def call(self, method: str, path: str, key: str | None = None, **options: Any) -> TestResponse:
        headers = self.keys.headers("orders", self.user_id, issuer=self.issuer, roles=self.roles)
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.open(
            f"/api/v1{path}", method=method, headers=headers | options.pop("headers", {}), **options
        )

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def place(self, *lines: tuple[str, int], key: str | None = None) -> TestResponse:
        items = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
        return self.call("POST", "/orders", key or str(uuid4()), json={"items": items})

    def cancel(self, order_id: str, key: str | None = None) -> TestResponse:
        return self.call("POST", f"/orders/{order_id}/cancel", key or str(uuid4()))
