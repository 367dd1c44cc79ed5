"""Shoppers while everything is deployed: each on a kept connection of its own, and no request is sent twice."""

import json
import random
import threading
import time
import uuid
from collections.abc import Mapping
from urllib.parse import urlencode

from faults.history import NO_ANSWER, History, Told
from faults.market import Market

from rolling.client import Answer, Client, Tally, Unanswered

VISA, DECLINED = "pm_card_visa", "pm_card_visa_chargeDeclined"
DECLINED_SHARE = 0.1
SIGN_IN_AGAIN_SECONDS = 240
ORDERS_REMEMBERED = 20
# What a shopper does next, and how often of all.
STEPS = {"browse": 20, "look": 20, "me": 15, "list_orders": 10, "see_order": 15, "place": 12, "pay": 8}


class Shopper:
    """Somebody with an account, who thinks `think_seconds` on average between two requests."""

    def __init__(
        self,
        url: str,
        tally: Tally,
        history: History,
        market: Market,
        chance: random.Random,
        think_seconds: float,
    ) -> None:
        self.url = url
        self._client = Client(url, tally)
        self._tally = tally
        self._history = history
        self._market = market
        self._chance = chance
        self._think_seconds = think_seconds
        self.email, self.password = f"{uuid.uuid4()}@shopper.example", str(uuid.uuid4())
        self._token, self._signed_in_at, self.user_id = "", 0.0, ""
        self._orders: list[str] = []
        self._unpaid: list[str] = []
        self._keys = 0

    def register(self) -> None:
        body = {"email": self.email, "password": self.password, "name": "Shopper"}
        answer = self._send("register", "POST", "/api/v1/users", (201,), json.dumps(body))
        if answer is not None:
            self.user_id = json.loads(answer.text)["id"]
            self._history.users.add(self.user_id)
        self._sign_in()

    def shop(self, closing: threading.Event) -> None:
        """Go on until the shop closes."""
        steps, weights = list(STEPS), list(STEPS.values())
        while not closing.wait(self._chance.uniform(0, 2 * self._think_seconds)):
            if time.monotonic() - self._signed_in_at > SIGN_IN_AGAIN_SECONDS:
                self._sign_in()
            getattr(self, f"_{self._chance.choices(steps, weights)[0]}")()
        self._client.leave()

    def _sign_in(self) -> None:
        form = {"grant_type": "password", "client_id": "mobile"}
        form |= {"username": self.email, "password": self.password}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._send("sign in", "POST", "/api/v1/auth/token", (200,), urlencode(form), kind)
        if answer is not None:
            self._token = json.loads(answer.text)["access_token"]
            self._signed_in_at = time.monotonic()

    def _browse(self) -> None:
        self._send("browse", "GET", "/api/v1/products?limit=20", (200,))

    def _look(self) -> None:
        sku = self._chance.choice(sorted(self._market.prices))
        self._send("look", "GET", f"/api/v1/products/{sku}", (200,))

    def _me(self) -> None:
        self._send("me", "GET", "/api/v1/users/me", (200,))

    def _list_orders(self) -> None:
        self._send("list orders", "GET", "/api/v1/orders?limit=5", (200,))

    def _see_order(self) -> None:
        if not self._orders:
            return self._list_orders()
        self._send("see order", "GET", f"/api/v1/orders/{self._chance.choice(self._orders)}", (200,))

    def _place(self) -> None:
        basket = self._market.basket(self._chance)
        items = [{"sku": sku, "quantity": quantity} for sku, quantity in basket.items()]
        told = self._post("place", "/api/v1/orders", {"items": items}, (201,))
        if told.done:
            order_id = told.json()["id"]
            self._orders = [*self._orders[-ORDERS_REMEMBERED:], order_id]
            self._unpaid.append(order_id)

    def _pay(self) -> None:
        if not self._unpaid:
            return self._place()
        card = DECLINED if self._chance.random() < DECLINED_SHARE else VISA
        body = {"order_id": self._unpaid.pop(), "payment_method": card}
        self._post("pay", "/api/v1/payments", body, (402,) if card == DECLINED else (201,))

    def _post(self, operation: str, path: str, body: object, wanted: tuple[int, ...]) -> Told:
        self._keys += 1
        key, text = f"{operation}-{self._keys}", json.dumps(body, sort_keys=True)
        answer = self._send(operation, "POST", path, wanted, text, {"Idempotency-Key": key})
        found = answer or Answer(NO_ANSWER, "", time.time(), 0.0)
        told = Told(
            found.at, found.seconds, self.user_id, operation, path, key, text, 1, found.status, found.text
        )
        self._history.add(told)
        return told

    def _send(
        self,
        operation: str,
        method: str,
        path: str,
        wanted: tuple[int, ...],
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | None:
        """Send one request and count it; None: it was not answered as it should have been."""
        said = {"Authorization": f"Bearer {self._token}"} if self._token and operation != "sign in" else {}
        if body is not None:
            said["Content-Type"] = "application/json"
        try:
            answer = self._client.ask(method, path, body, {**said, **(headers or {})})
        except Unanswered as lost:
            self._tally.count("requests", method)
            self._tally.failed(f"{method} {path}: {lost}")
            return None
        self._tally.answered(answer.seconds, "requests", method)
        if answer.status in wanted:
            return answer
        self._tally.failed(f"{method} {path}: {answer.status} {answer.text[:300]}")
        return None


class Crowd:
    """Shoppers, each in a thread of its own; every other one thinks between two requests."""

    def __init__(
        self,
        url: str,
        tally: Tally,
        history: History,
        market: Market,
        seed: int,
        shoppers: int,
        think_seconds: float,
    ) -> None:
        self._closing = threading.Event()
        self.shoppers = [
            Shopper(url, tally, history, market, random.Random(seed + number), think_seconds * (number % 2))
            for number in range(shoppers)
        ]
        for each in self.shoppers:
            each.register()
        self._threads = [
            threading.Thread(target=each.shop, args=(self._closing,), daemon=True) for each in self.shoppers
        ]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """Wait until everybody has the answer to what they asked."""
        self._closing.set()
        for each in self._threads:
            each.join()

    @property
    def all_there(self) -> bool:
        """Whether nobody has gone home by accident."""
        return all(each.is_alive() for each in self._threads)
