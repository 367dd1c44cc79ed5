"""The market: products that only the shoppers of one history buy, so that every piece can be accounted for."""

import random
import uuid
from functools import partial
from typing import Protocol

from shop import Client, until
from stacks import Stack

STOCK = 1_000_000
PRODUCTS = 12


class Shop(Protocol):
    """Where a market is held: a stack, and the address of its gateway."""

    @property
    def stack(self) -> Stack: ...

    @property
    def gateway_url(self) -> str: ...


def offer(admin: Client, sku: str, price: int) -> bool:
    body = {"name": f"Product {sku}", "price": price, "stock": STOCK}
    return admin.call("PUT", f"/api/v1/products/{sku}", json=body).status_code in (200, 201)


class Market:
    """Some products with their prices and the stock there was before anybody came."""

    def __init__(self, lab: Shop, random_source: random.Random, products: int = PRODUCTS) -> None:
        self.prices = {
            f"FAULT-{uuid.uuid4().hex[:12].upper()}": random_source.randrange(100, 9999)
            for _ in range(products)
        }
        self.stock = dict.fromkeys(self.prices, STOCK)
        admin = Client(lab.gateway_url).sign_in(lab.stack.admin_email, lab.stack.admin_password)
        for sku, price in self.prices.items():
            # A gateway that was just started fetches the keys of tokens after it says that it is ready.
            until(partial(offer, admin, sku, price))

    def basket(self, random_source: random.Random) -> dict[str, int]:
        """Return some products and how many of each."""
        chosen = random_source.sample(sorted(self.prices), random_source.randint(1, 3))
        return {sku: random_source.randint(1, 5) for sku in chosen}
