"""`make demo`: a shopper's journey through the gateway, step by step; the exit code is 1 if anything is off."""

import http.client
import json
import os
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from stack.places import Places

PAID_WITHIN_SECONDS = 15
CARD, EMPTY_CARD = "pm_card_visa", "pm_card_visa_chargeDeclinedInsufficientFunds"


class Unexpected(Exception):
    """The stack answered something else than a shop should."""


@dataclass
class Shopper:
    """Someone who talks to the gateway; signed in once there is a token."""

    gateway_url: str
    token: str = ""
    request_ids: list[str] = field(default_factory=list)

    def call(
        self, method: str, path: str, expected: int, body: Any = None, form: Mapping[str, str] | None = None
    ) -> Any:
        """Send one request, print it with its answer's status, and return the answer's JSON.

        Raises Unexpected for any other status.
        """
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        payload = None
        if form is not None:
            headers["Content-Type"], payload = "application/x-www-form-urlencoded", urlencode(form)
        elif method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
            headers["Content-Type"], payload = "application/json", json.dumps(body or {})
        place = urlsplit(self.gateway_url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        connection.request(method, path, payload, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        self.request_ids.append(answer.getheader("X-Request-ID", ""))
        print(f"    {method} {path} -> {answer.status}")
        if answer.status != expected:
            raise Unexpected(f"{method} {path} answered {answer.status}, not {expected}: {text}")
        return json.loads(text) if text else None


def money(amount: int, currency: str) -> str:
    return f"{amount // 100}.{amount % 100:02} {currency}"


def step(text: str) -> None:
    print(f"\n{text}", flush=True)


def sign_in(shopper: Shopper) -> None:
    """Register a new shopper and get a token."""
    email = f"demo-{uuid.uuid4().hex[:12]}@shopper.example"
    password = uuid.uuid4().hex
    step(f"1. Ada registers as {email}")
    shopper.call("POST", "/api/v1/users", 201, {"email": email, "password": password, "name": "Ada"})
    step("2. ... and signs in")
    grant = {"grant_type": "password", "username": email, "password": password, "client_id": "mobile"}
    shopper.token = shopper.call("POST", "/api/v1/auth/token", 200, form=grant)["access_token"]


def browse(shopper: Shopper) -> list[dict[str, Any]]:
    """Return three products that can be bought."""
    step("3. She looks through the catalogue")
    products = shopper.call("GET", "/api/v1/products?limit=50", 200)["data"]
    found = [product for product in products if product["stock"] >= 2][:3]
    if len(found) < 3:
        raise Unexpected("the catalogue holds fewer than three products to buy: make catalogue FILE=...")
    for product in found:
        price = money(product["price"], product["currency"])
        print(f"    {product['sku']:<14} {product['name']:<40} {price:>12}")
    return found


def order(shopper: Shopper, products: list[dict[str, Any]]) -> dict[str, Any]:
    """Order one of each product and return the order."""
    items = [{"sku": product["sku"], "quantity": 1} for product in products]
    placed = shopper.call("POST", "/api/v1/orders", 201, {"items": items})
    print(f"    order {placed['id']}: {placed['status']}, {money(placed['total'], placed['currency'])}")
    return placed


def until_paid(shopper: Shopper, order_id: str) -> None:
    """Look at an order until the event of its payment has turned it PAID."""
    deadline = time.monotonic() + PAID_WITHIN_SECONDS
    while time.monotonic() < deadline:
        found = shopper.call("GET", f"/api/v1/orders/{order_id}", 200)
        if found["status"] == "PAID":
            return
        time.sleep(0.2)
    raise Unexpected(f"order {order_id} is still {found['status']} after {PAID_WITHIN_SECONDS} s")


def expect(found: Any, wanted: Any, what: str) -> None:
    if found != wanted:
        raise Unexpected(f"{what} is {found!r}, not {wanted!r}")


def journey(shopper: Shopper) -> None:
    """Walk the whole way.

    Raises Unexpected, OSError.
    """
    sign_in(shopper)
    products = browse(shopper)
    step("4. She orders one of each; prices and stock are the server's")
    placed = order(shopper, products)
    step(f"5. She pays with {CARD}")
    payment = shopper.call(
        "POST", "/api/v1/payments", 201, {"order_id": placed["id"], "payment_method": CARD}
    )
    expect((payment["status"], payment["amount"]), ("succeeded", placed["total"]), "the payment")
    paid_with = shopper.request_ids[-1]
    step("6. The payment's event turns the order PAID")
    until_paid(shopper, placed["id"])
    print("    PAID")

    step("7. A second order, and a card without money")
    second = order(shopper, products[:1])
    refusal = shopper.call(
        "POST", "/api/v1/payments", 402, {"order_id": second["id"], "payment_method": EMPTY_CARD}
    )
    expect(refusal["code"], "card_declined", "the problem's code")
    print(f"    {refusal['code']}: {refusal['detail']}")
    expect(
        shopper.call("GET", f"/api/v1/orders/{second['id']}", 200)["status"], "PENDING", "the second order"
    )
    print("    the order waits for another card: PENDING")
    step(
        f"All as it should be. What the payment did everywhere:\n    grep {paid_with} {relative_logs()}/*.log"
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
