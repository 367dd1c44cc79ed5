"""`make demo`: a shopper's journey through the gateway, step by step; the exit code is 1 if anything is off."""

import contextlib
import http.client
import json
import os
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from stack.places import Places

PAID_WITHIN_SECONDS = 15
TIMEOUT_SECONDS = 20
CARD, EMPTY_CARD = "pm_card_visa", "pm_card_visa_chargeDeclinedInsufficientFunds"


class Unexpected(Exception):
    """The stack answered something else than a shop should."""


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    request_id: str
    body: Any


@dataclass
class Shopper:
    """Someone who talks to the gateway; signed in once there is a token."""

    gateway_url: str
    token: str = ""

    def send(self, method: str, path: str, content_type: str = "", payload: str = "") -> Answer:
        """Send one request on a connection of its own."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if payload:
            headers |= {"Content-Type": content_type, "Idempotency-Key": str(uuid.uuid4())}
        place = urlsplit(self.gateway_url)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        with contextlib.closing(kind(place.netloc, timeout=TIMEOUT_SECONDS)) as connection:
            connection.request(method, path, payload or None, headers)
            answer = connection.getresponse()
            text = answer.read()
        return Answer(answer.status, answer.getheader("X-Request-ID", ""), json.loads(text) if text else None)

    def get(self, path: str) -> Any:
        """Return what is at a path. Raises Unexpected."""
        return expected(200, f"GET {path}", self.send("GET", path)).body

    def post(self, path: str, body: Any, status: int = 201) -> Answer:
        """Send JSON and print the status, which must be the one given. Raises Unexpected."""
        answer = self.send("POST", path, "application/json", json.dumps(body))
        print(f"    POST {path} -> {answer.status}")
        return expected(status, f"POST {path}", answer)

    def sign_in(self, email: str, password: str) -> None:
        """Get a token and keep it. Raises Unexpected."""
        grant = {"grant_type": "password", "username": email, "password": password, "client_id": "mobile"}
        path = "/api/v1/auth/token"
        answer = self.send("POST", path, "application/x-www-form-urlencoded", urlencode(grant))
        print(f"    POST {path} -> {answer.status}")
        self.token = expected(200, f"POST {path}", answer).body["access_token"]


def expected(status: int, request: str, answer: Answer) -> Answer:
    """Return an answer that has the status it should have. Raises Unexpected."""
    if answer.status != status:
        raise Unexpected(f"{request} answered {answer.status}, not {status}: {answer.body}")
    return answer


def money(amount: int, currency: str) -> str:
    return f"{amount // 100}.{amount % 100:02} {currency}"


def step(text: str) -> None:
    print(f"\n{text}", flush=True)


def enter(shopper: Shopper) -> None:
    """Register a new shopper and sign in."""
    email, password = f"ada-{uuid.uuid4().hex[:8]}@shopper.example", uuid.uuid4().hex
    step(f"1. Ada registers as {email}")
    shopper.post("/api/v1/users", {"email": email, "password": password, "name": "Ada"})
    step("2. ... and signs in")
    shopper.sign_in(email, password)


def browse(shopper: Shopper) -> list[dict[str, Any]]:
    """Return three products that can be bought."""
    step("3. She looks through the catalogue")
    products = shopper.get("/api/v1/products?limit=100")["data"]
    found = [product for product in products if product["stock"] >= 2][:3]
    if len(found) < 3:
        raise Unexpected("the catalogue holds fewer than three products to buy: make catalogue FILE=...")
    for product in found:
        price = money(product["price"], product["currency"])
        print(f"    {product['sku']:<26} {product['name']:<34} {price:>12}")
    return found


def order(shopper: Shopper, products: list[dict[str, Any]]) -> dict[str, Any]:
    """Order one of each product and return the order."""
    items = [{"sku": product["sku"], "quantity": 1} for product in products]
    placed = shopper.post("/api/v1/orders", {"items": items}).body
    print(f"    order {placed['id']}: {placed['status']}, {money(placed['total'], placed['currency'])}")
    return placed


def until_paid(shopper: Shopper, order_id: str) -> None:
    """Look at an order until the event of its payment has turned it PAID. Raises Unexpected."""
    began = time.monotonic()
    while (status := shopper.get(f"/api/v1/orders/{order_id}")["status"]) != "PAID":
        if time.monotonic() - began > PAID_WITHIN_SECONDS:
            raise Unexpected(f"order {order_id} is still {status} after {PAID_WITHIN_SECONDS} s")
        time.sleep(0.02)
    print(f"    {status}, {1000 * (time.monotonic() - began):.0f} ms later")


def journey(shopper: Shopper) -> None:
    """Walk the whole way. Raises Unexpected, OSError."""
    enter(shopper)
    products = browse(shopper)
    step("4. She orders one of each; prices and stock are the server's")
    placed = order(shopper, products)
    step(f"5. She pays with {CARD}")
    paid = shopper.post("/api/v1/payments", {"order_id": placed["id"], "payment_method": CARD})
    print(f"    payment {paid.body['id']}: {paid.body['status']}")
    if (paid.body["status"], paid.body["amount"]) != ("succeeded", placed["total"]):
        raise Unexpected(f"the payment is {paid.body}")
    step("6. The payment's event turns the order PAID")
    until_paid(shopper, placed["id"])
    step(f"7. A second order, and {EMPTY_CARD}")
    second = order(shopper, products[:1])
    refusal = shopper.post(
        "/api/v1/payments", {"order_id": second["id"], "payment_method": EMPTY_CARD}, 402
    ).body
    print(f"    {refusal['code']}: {refusal['detail']}")
    status = shopper.get(f"/api/v1/orders/{second['id']}")["status"]
    print(f"    the order waits for another card: {status}")
    if (refusal["code"], status) != ("card_declined", "PENDING"):
        raise Unexpected(f"the refusal is {refusal}")
    step(
        f"All as it should be. What the payment did, everywhere:\n    grep {paid.request_id} {relative_logs()}/*.log"
    )


def relative_logs() -> str:
    return os.path.relpath(Places.of().logs)


def gateway_url() -> str:
    """Return the address to talk to: GATEWAY_URL, or that of the running stack."""
    if url := os.environ.get("GATEWAY_URL"):
        return url
    env_file = Places.of().env_file
    if not env_file.exists():
        sys.exit("Souk is not running: make up")
    variables = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
    return variables["GATEWAY_URL"]


def main() -> None:
    """Run `make demo`."""
    url = gateway_url()
    print(f"Souk at {url}")
    try:
        journey(Shopper(url))
    except Unexpected as wrong:
        sys.exit(f"\nThis is not as it should be: {wrong}")
    except OSError as gone:
        sys.exit(f"\nThe gateway at {url} does not answer ({gone}): make up")


if __name__ == "__main__":
    main()
