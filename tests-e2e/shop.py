"""People who use the shop through the gateway, with nothing but HTTP."""

import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import requests

CARD = "pm_card_visa"
DECLINED = "pm_card_visa_chargeDeclined"
WITHOUT_MONEY = "pm_card_visa_chargeDeclinedInsufficientFunds"
TIMEOUT_SECONDS = 20
# The gateway keeps the catalogue for some seconds: this asks for it as it is now.
AS_IT_IS_NOW = {"Cache-Control": "no-cache"}

T = TypeVar("T")


def until(found: Callable[[], T], timeout_seconds: float = 20) -> T:
    """Return the first true thing that `found` returns; fail after the time has run out."""
    deadline = time.monotonic() + timeout_seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {timeout_seconds} s; last seen: {value!r}"
        time.sleep(0.1)
    return value


def new_key() -> str:
    return str(uuid.uuid4())


class Client:
    """Anyone with a connection to the gateway, signed in where there is a token."""

    def __init__(self, gateway_url: str, token: str = "") -> None:
        self.gateway_url = gateway_url
        self.token = token

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        return requests.request(
            method,
            self.gateway_url + path,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            **options,
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any, key: str | None = None) -> requests.Response:
        return self.call("POST", path, json=body, headers={"Idempotency-Key": key or new_key()})

    def token_for(self, **form: str) -> requests.Response:
        return self.call("POST", "/api/v1/auth/token", data={"client_id": "mobile"} | form)

    def sign_in(self, email: str, password: str) -> "Client":
        answer = self.token_for(grant_type="password", username=email, password=password)
        assert answer.status_code == 200, answer.text
        return Client(self.gateway_url, answer.json()["access_token"])

    def order(self, *skus: str, quantity: int = 1) -> dict[str, Any]:
        answer = self.post("/api/v1/orders", {"items": [{"sku": sku, "quantity": quantity} for sku in skus]})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def pay(self, order: dict[str, Any], method: str = CARD, key: str | None = None) -> requests.Response:
        return self.post("/api/v1/payments", {"order_id": order["id"], "payment_method": method}, key)

    def status(self, order: dict[str, Any]) -> str:
        return self.get(f"/api/v1/orders/{order['id']}").json()["status"]

    def until_status(self, order: dict[str, Any], status: str) -> None:
        until(lambda: self.status(order) == status)

    def put_product(self, sku: str, price: int = 1999, stock: int = 100) -> dict[str, Any]:
        body = {"name": f"Product {sku}", "price": price, "stock": stock}
        answer = self.call("PUT", f"/api/v1/products/{sku}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


def stock_of(client: Client, sku: str) -> int:
    """Return how many pieces of a product are left now."""
    stock: int = client.get(f"/api/v1/products/{sku}", headers=AS_IT_IS_NOW).json()["stock"]
    return stock


def register(anyone: Client) -> Client:
    """Return a new shopper who is signed in."""
    email, password = f"{new_key()}@shopper.example", new_key()
    answer = anyone.call(
        "POST", "/api/v1/users", json={"email": email, "password": password, "name": "Shopper"}
    )
    assert answer.status_code == 201, answer.text
    return anyone.sign_in(email, password)
