"""A shopper as a good client: each request has a key, and is sent again under it until there is an answer."""

import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import requests

from faults.history import NO_ANSWER, History, Told

TIMEOUT_SECONDS = 12
PATIENCE_SECONDS = 90
LONGEST_PAUSE_SECONDS = 1.0

VISA, SLOW = "pm_card_visa", "pm_card_visa_slow"
DECLINED = "pm_card_visa_chargeDeclined"
SILENT, SILENT_DECLINED = "pm_card_visa_silent", "pm_card_visa_silent_declined"


class Shopper:
    """Somebody with an account. Shoppers number their keys alike: each key is also another shopper's key."""

    def __init__(self, gateway_url: str, history: History, random_source: random.Random) -> None:
        self.gateway_url = gateway_url
        self.history = history
        self.random = random_source
        self.session = requests.Session()
        self.session.trust_env = False
        self.email, self.password = f"{uuid.uuid4()}@shopper.example", str(uuid.uuid4())
        self.token = ""
        self.user_id = ""
        self.keys = 0
        self.patience_seconds: float = PATIENCE_SECONDS

    def register(self) -> "Shopper":
        body = {"email": self.email, "password": self.password, "name": "Shopper"}
        answer = self._patiently(lambda: self._send("POST", "/api/v1/users", json=body), (201, 409))
        self.sign_in()
        self.user_id = answer.json().get("id") or self.get("/api/v1/users/me")["id"]
        self.history.users.add(self.user_id)
        return self

    def sign_in(self) -> None:
        form = {"grant_type": "password", "client_id": "mobile"}
        form |= {"username": self.email, "password": self.password}
        answer = self._patiently(lambda: self._send("POST", "/api/v1/auth/token", data=form), (200,))
        self.token = answer.json()["access_token"]

    def new_key(self, operation: str) -> str:
        self.keys += 1
        return f"{operation}-{self.keys}"

    def get(self, path: str) -> dict[str, Any]:
        return self._patiently(lambda: self._send("GET", path), (200, 404)).json()

    def ask(self, operation: str, path: str, body: Mapping[str, Any], key: str = "", tries: int = 0) -> Told:
        """Send a request until its answer is final, patience ends or it was tried `tries` times."""
        key, text = key or self.new_key(operation), json.dumps(body, sort_keys=True)
        deadline, pause, number = time.monotonic() + self.patience_seconds, 0.1, 0
        while True:
            number += 1
            told = self.send_once(operation, path, text, key, number)
            self.history.add(told)
            if told.final or number == tries or time.monotonic() > deadline:
                return told
            if told.status == 401:
                self.sign_in()
            time.sleep(self.random.uniform(pause / 2, pause))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def place(
        self, items: Mapping[str, int], key: str = "", operation: str = "place", tries: int = 0
    ) -> Told:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in items.items()]
        return self.ask(operation, "/api/v1/orders", {"items": lines}, key, tries)

    def pay(self, order_id: str, card: str = VISA, key: str = "", tries: int = 0) -> Told:
        body = {"order_id": order_id, "payment_method": card}
        return self.ask("pay", "/api/v1/payments", body, key, tries)

    def cancel(self, order_id: str, key: str = "") -> Told:
        return self.ask("cancel", f"/api/v1/orders/{order_id}/cancel", {}, key)

    def status(self, order_id: str) -> str:
        return self.get(f"/api/v1/orders/{order_id}").get("status", "")

    def send_once(self, operation: str, path: str, text: str, key: str, number: int) -> Told:
        """Send a request, whatever comes of it; its answer is not in the history yet."""
        at, began = time.time(), time.monotonic()
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        try:
            answer = self._send("POST", path, data=text, headers=headers)
            status, said = answer.status_code, answer.text
        except requests.RequestException as failure:
            status, said = NO_ANSWER, json.dumps({"code": type(failure).__name__})
        seconds = time.monotonic() - began
        return Told(at, seconds, self.user_id, operation, path, key, text, number, status, said)

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token and "auth" not in path else {}
        headers |= options.pop("headers", {})
        return self.session.request(
            method, self.gateway_url + path, headers=headers, timeout=TIMEOUT_SECONDS, **options
        )

    def _patiently(self, send: Callable[[], requests.Response], wanted: tuple[int, ...]) -> requests.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = send()
                if answer.status_code in wanted:
                    return answer
                said = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code == 401 and self.user_id:
                    self.sign_in()
            except requests.RequestException as failure:
                said = repr(failure)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {PATIENCE_SECONDS} s: {said}")
            time.sleep(LONGEST_PAUSE_SECONDS / 4)
