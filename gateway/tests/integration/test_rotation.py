"""New keys, old keys and an issuer that is down, while many are signed in: no request fails."""

import itertools
import threading
import time

import pytest
from issuing import Issuer
from serving import get, whole

USER = "/api/v1/orders"
COOLDOWN_SECONDS = 0.2
CLIENTS = 4


class Crowd:
    """Clients that go on asking, each on a connection of its own, with every token that has been handed out."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.tokens = []
        self.answered = 0
        self.failed = []
        self.going = True
        self.threads = [threading.Thread(target=self.ask, args=(each,)) for each in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        for thread in self.threads:
            thread.join()

    def ask(self, first):
        wire = self.gateway.connect()
        for number in itertools.count(first):
            if not self.going:
                break
            token = self.tokens[-1 - number % len(self.tokens)]  # the newest first
            reply = wire.send(get(USER, f"Authorization: Bearer {token}")).message()
            if reply.status != 200:
                self.failed.append((reply.status, reply.body))
            self.answered += 1
        wire.close()

    def has_gone_on(self, until, requests=100):
        """Wait until so many more requests have been answered."""
        before = self.answered
        until(lambda: self.answered >= before + requests or self.failed, 60)


@pytest.fixture
def rotating():
    return Issuer()


@pytest.fixture
def keys(users, orders, rotating):
    """When the keys were fetched."""
    users.reset()
    orders.reset()
    fetched = []

    def answer(wire, request):
        fetched.append(time.monotonic())
        wire.send(whole(body=rotating.jwks()))

    users.answer = answer
    return fetched


def start(start_gateway, **settings):
    return start_gateway(
        jwks_cooldown_seconds=COOLDOWN_SECONDS, rate_per_address="off", rate_per_user="off", **settings
    )


def test_new_keys_are_used_at_once_and_old_ones_still_without_a_failed_request(
    start_gateway, rotating, keys, until
):
    crowd = Crowd(start(start_gateway))
    crowd.tokens.append(rotating.token())
    with crowd:
        for _ in range(4):
            crowd.has_gone_on(until)
            until(lambda: time.monotonic() > keys[-1] + COOLDOWN_SECONDS)
            fetches = len(keys)
            rotating.rotate()
            crowd.tokens.append(rotating.token())
            crowd.has_gone_on(until)
            assert len(keys) == fetches + 1
    assert crowd.failed == []


def test_an_issuer_that_is_down_for_a_while_fails_no_request(start_gateway, rotating, keys, users, until):
    old = rotating.token()
    rotating.rotate()
    gateway = start(start_gateway, jwks_refresh_seconds=1)
    crowd = Crowd(gateway)
    crowd.tokens.append(old)
    up = users.answer

    def failures():
        return sum(line["message"] == "issuer keys not fetched" for line in gateway.lines())

    with crowd:
        crowd.has_gone_on(until)
        users.answer = lambda wire, request: wire.close()
        until(lambda: failures() >= 2, 30)
        crowd.tokens.append(rotating.token())  # of a key that was published before
        crowd.has_gone_on(until)
        users.answer = up
        fetches = len(keys)
        until(lambda: len(keys) > fetches, 30)
        crowd.has_gone_on(until)
    assert crowd.failed == []
