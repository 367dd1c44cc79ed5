"""The gateway with Redis: its processes count together, and requests go on when it is away."""

import time

import pytest
from serving import get, post, whole

ORDERS, TOKEN = "/api/v1/orders", "/api/v1/auth/token"
AWAY = "Redis does not answer: this process counts alone"
BACK = "Redis answers again: all processes count together"


@pytest.fixture
def start(start_gateway, services, issuer, valkey):
    """Start a gateway with Redis, before services that answer."""
    for service in services.values():
        service.reset()
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    return lambda **settings: start_gateway(redis_url=valkey.url, **{"redis_timeout_seconds": 1} | settings)


@pytest.fixture
def requests(issuer):
    """Return requests of as many users as are wanted."""
    return lambda users: [get(ORDERS, f"Authorization: {issuer.bearer()}") for _ in range(users)]


def said(gateway, *messages):
    return [line["message"] for line in gateway.lines() if line["message"] in messages]


def test_all_processes_keep_one_rate(start, requests):
    gateway = start(web_processes=3, rate_per_user="10/minute")
    (anna,) = requests(1)
    found = [gateway.ask(anna).status for _ in range(30)]
    assert found.count(200) == 10 and found.count(429) == 20


def test_what_it_is_told_names_no_account(start, users, valkey):
    users.answer = lambda wire, request: wire.send(whole(400, b'{"error":"invalid_grant"}'))
    gateway = start(login_failures_per_pair=2)
    form = "grant_type=password&client_id=mobile&username=ada@souk.test&password=x"
    assert [gateway.ask(post(TOKEN, form)).status for _ in range(3)] == [400, 400, 429]
    names = valkey.keys()
    assert len([name for name in names if "login" in name]) == 3
    assert not [name for name in names if "ada" in name or "souk.test" in name]


@pytest.mark.parametrize("trouble", ["freeze", "stop"])
def test_requests_go_on_while_it_is_away_and_it_is_used_again(start, requests, valkey, until, trouble):
    gateway = start(rate_per_user="3/minute", redis_pause_seconds=1, redis_timeout_seconds=0.2)
    anna, *others = requests(40)
    assert [gateway.ask(anna).status for _ in range(4)] == [200, 200, 200, 429]
    getattr(valkey, trouble)()
    began = time.monotonic()
    assert {gateway.ask(each).status for each in others} == {200}
    assert time.monotonic() - began < 15
    assert said(gateway, AWAY, BACK) == [AWAY]
    assert "gateway_counting_alone 1.0" in gateway.page("/metrics").body.decode()
    (valkey.thaw if trouble == "freeze" else valkey.start)()
    until(lambda: gateway.ask(anna).status and said(gateway, BACK))
    assert "gateway_counting_alone 0.0" in gateway.page("/metrics").body.decode()


def test_a_gateway_starts_while_it_is_away(start_gateway, services, issuer, requests):
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    gateway = start_gateway(redis_url="redis://127.0.0.1:1/0", rate_per_user="2/minute")
    (anna,) = requests(1)
    assert [gateway.ask(anna).status for _ in range(3)] == [200, 200, 429]


def test_an_address_that_is_no_redis_does_not_start(start_gateway):
    with pytest.raises(AssertionError, match="GATEWAY_REDIS_URL"):
        start_gateway(redis_url="http://:secret@127.0.0.1:6379")
