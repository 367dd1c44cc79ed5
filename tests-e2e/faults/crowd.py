"""The crowd: many shoppers at once, each placing, paying, cancelling, doubling and mixing up requests as people do."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from faults.history import History, Told
from faults.laboratory import Laboratory
from faults.market import Market
from faults.shopper import DECLINED, SILENT, SILENT_DECLINED, SLOW, VISA, Shopper

CARDS = {VISA: 60, DECLINED: 10, SLOW: 10, SILENT: 8, SILENT_DECLINED: 4, "": 8}
DUPLICATED, MIXED_UP, CANCELLED, CANCELLED_MEANWHILE = 0.1, 0.05, 0.15, 0.05
REPLAYED_AT_ONCE = 8


class Crowd:
    """Shoppers who begin on `start` and go home on `stop`, each with everything it asked answered."""

    def __init__(self, lab: Laboratory, market: Market, history: History, seed: int, shoppers: int) -> None:
        self.history = history
        self.market = market
        self._sources = [random.Random(seed * 1000 + number) for number in range(shoppers)]
        with ThreadPoolExecutor(4) as pool:
            made = [Shopper(lab.gateway_url, history, source) for source in self._sources]
            self._shoppers = list(pool.map(Shopper.register, made))
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def start(self, pace_seconds: float) -> None:
        """Let everybody shop, with about so many seconds between two orders of one shopper."""
        for shopper in self._shoppers:
            thread = threading.Thread(target=self._shop, args=(shopper, pace_seconds), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Wait until everybody has the answers to all that they asked."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def replay(self, most: int) -> int:
        """Ask for some acknowledged requests again, to hear whether the answers are still the same."""
        by_user = {shopper.user_id: shopper for shopper in self._shoppers}
        told = [
            each
            for each in self.history
            if each.done and each.operation in ("place", "pay", "cancel") and each.user_id in by_user
        ]
        chosen = self._sources[0].sample(told, min(most, len(told)))

        def again(one: Told) -> None:
            shopper = by_user[one.user_id]
            answer = shopper.send_once(one.operation, one.path, one.body, one.key, one.try_number)
            if answer.status == 401:
                shopper.sign_in()
                answer = shopper.send_once(one.operation, one.path, one.body, one.key, one.try_number)
            self.history.add(replace(answer, operation="replay"))

        with ThreadPoolExecutor(REPLAYED_AT_ONCE) as pool:
            list(pool.map(again, chosen))
        return len(chosen)

    def _shop(self, shopper: Shopper, pace_seconds: float) -> None:
        chance = shopper.random
        try:
            while not self._closing.wait(chance.uniform(0, 2 * pace_seconds)):
                self._one_order(shopper, chance)
        except BaseException as failure:  # told to who waits for the crowd, by stop()
            self._failures.append(failure)
            raise

    def _one_order(self, shopper: Shopper, chance: random.Random) -> None:
        basket, key = self.market.basket(chance), shopper.new_key("place")
        if chance.random() < DUPLICATED:
            at_once(lambda: shopper.place(basket, key), lambda: shopper.place(basket, key))
        placed = shopper.place(basket, key)
        if not placed.done:
            return
        if chance.random() < MIXED_UP:
            shopper.place({sku: quantity + 1 for sku, quantity in basket.items()}, key, "reuse")
        self._pay(shopper, placed.json()["id"], chance)

    def _pay(self, shopper: Shopper, order_id: str, chance: random.Random) -> None:
        card = chance.choices(list(CARDS), list(CARDS.values()))[0]
        key = shopper.new_key("pay")
        if not card:
            if chance.random() < 0.5:
                shopper.cancel(order_id)
            return
        if chance.random() < CANCELLED_MEANWHILE:
            at_once(lambda: shopper.pay(order_id, card, key), lambda: shopper.cancel(order_id))
        elif chance.random() < DUPLICATED:
            at_once(lambda: shopper.pay(order_id, card, key), lambda: shopper.pay(order_id, card, key))
        paid = shopper.pay(order_id, card, key)
        if paid.code == "card_declined" and chance.random() < 0.5:
            shopper.pay(order_id, VISA)
        if chance.random() < CANCELLED:
            time.sleep(chance.uniform(0, 1))
            shopper.cancel(order_id)


def at_once(*calls: Any) -> None:
    """Run calls side by side."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for each in [pool.submit(call) for call in calls]:
            each.result()
