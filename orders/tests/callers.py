"""Callers of the service over HTTP, and those who may vouch for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.assertions import Signer


@dataclass(frozen=True)
class Issuers:
    """Those who may vouch for a caller, and one whom nobody trusts."""

    gateway: Signer
    payments: Signer
    stranger: Signer


@dataclass(frozen=True)
class Client:
    """A caller of the service, with an assertion of an issuer about a user."""

    http: FlaskClient
    issuer: Signer
    user_id: UUID | None = None
    claims: dict[str, Any] | None = None

    def call(self, method: str, path: str, key: str | None = None, **options: Any) -> TestResponse:
        subject = str(self.user_id) if self.user_id else None
        headers = {"Authorization": f"Bearer {self.issuer.sign('orders', subject, self.claims)}"}
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
