"""Rates under gunicorn: who is refused, how it is told, and that a service never hears of it."""

import pytest
from serving import get, post, whole

ORDERS, USERS, TOKEN = "/api/v1/orders", "/api/v1/users", "/api/v1/auth/token"
REGISTRATION = post(USERS, "{}", "Content-Type: application/json")


@pytest.fixture
def start(start_gateway, services, issuer):
    """Start a gateway with rates, before services that answer."""
    for service in services.values():
        service.reset()
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    return start_gateway


@pytest.fixture
def anna(issuer):
    return get(ORDERS, f"Authorization: {issuer.bearer()}")


@pytest.fixture
def ben(issuer):
    return get(ORDERS, f"Authorization: {issuer.bearer()}")


def statuses(gateway, *requests):
    """Return the statuses of requests that go one after another on one connection."""
    wire = gateway.connect()
    found = [wire.send(request).message().status for request in requests]
    wire.close()
    return found


def test_a_user_over_the_rate_is_refused_and_no_other_is(start, orders, anna, ben):
    gateway = start(rate_per_user="3/minute")
    assert statuses(gateway, *[anna] * 5) == [200, 200, 200, 429, 429]
    assert statuses(gateway, ben) == [200]
    assert len(orders.requests) == 4


def test_a_refusal_says_why_and_when_to_come_back(start, anna):
    gateway = start(rate_per_user="1/minute", rate_per_address="off")
    told = gateway.ask(anna)
    assert told["ratelimit-policy"] == '"user";q=1;w=60' and told["ratelimit"].startswith('"user";r=0;t=')
    refusal = gateway.ask(anna)
    assert refusal.status == 429 and refusal.problem["code"] == "rate_limited"
    assert refusal["ratelimit-policy"] == '"user";q=1;w=60'
    assert refusal["ratelimit"] == f'"user";r=0;t={refusal["retry-after"]}'
    assert 1 <= int(refusal["retry-after"]) <= 120


def test_the_rate_of_an_address_counts_before_anyone_signs_in(start, orders, anna):
    gateway = start(rate_per_address="2/minute")
    forged = get(ORDERS, "Authorization: Bearer a.b.c")
    assert statuses(gateway, forged, forged, forged, anna) == [401, 401, 429, 429]
    assert not orders.requests


def test_each_limited_answer_tells_its_rates_whatever_its_status(start, orders, anna):
    gateway = start(rate_per_address="100/minute", rate_per_user="50/minute")
    orders.answer = lambda wire, request: wire.send(whole(404, b"no"))
    reply = gateway.ask(anna)
    assert reply.all("ratelimit-policy") == ['"address";q=100;w=60', '"user";q=50;w=60']
    assert [each.split(";t=")[0] for each in reply.all("ratelimit")] == ['"address";r=99', '"user";r=49']
    unsigned = gateway.ask(get(ORDERS))
    assert unsigned.status == 401 and unsigned.all("ratelimit-policy") == ['"address";q=100;w=60']


def test_rates_that_are_off_refuse_nobody_and_are_not_told(start, anna):
    gateway = start(rate_per_address="off", rate_per_user="off")
    reply = gateway.ask(anna)
    assert reply.status == 200 and not reply.all("ratelimit") + reply.all("ratelimit-policy")


def test_an_address_that_is_exempt_is_not_counted_for(start, anna):
    gateway = start(rate_per_address="1/minute", rate_per_user="1/minute", rate_exempt="127.0.0.0/8, ::1")
    assert statuses(gateway, *[anna] * 5) == [200] * 5


def test_registering_has_a_rate_of_its_own(start, users, anna):
    gateway = start()
    reply = gateway.ask(REGISTRATION)
    assert reply.status == 200 and '"route";q=60;w=60' in reply.all("ratelimit-policy")
    assert statuses(gateway, *[REGISTRATION] * 60) == [200] * 59 + [429]
    assert statuses(gateway, anna) == [200]


def test_at_the_token_endpoints_a_refusal_is_told_as_oauth_does(start):
    gateway = start(rate_per_address="1/minute")
    gateway.ask(post(TOKEN, "a=b"))
    refusal = gateway.ask(post(TOKEN, "a=b"))
    assert refusal.status == 429 and int(refusal["retry-after"]) >= 1
    assert b'"error":"temporarily_unavailable"' in refusal.body


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate_per_address", "many"), ("rate_per_user", "0/minute"), ("rate_exempt", "10.0.0.1/8")],
)
def test_a_rate_that_cannot_be_read_does_not_start(start, name, value):
    with pytest.raises(AssertionError, match=f"GATEWAY_{name.upper()}"):
        start(**{name: value})
