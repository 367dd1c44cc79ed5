"""Trusted proxies in front: whose word about the client reaches the services."""

import json

import pytest
from serving import Gateway, get

PRODUCTS = "/api/v1/products"
SAID = ("X-Forwarded-For: 6.6.6.6, 192.0.2.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test")


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory, services):
    gateway = Gateway(tmp_path_factory.mktemp("proxied"), services, trusted_proxies="127.0.0.0/8, ::1/128")
    yield gateway
    gateway.stop()


def forwarded(reply):
    fields = json.loads(reply.body)["fields"]
    return [value for name, value in fields if name.startswith("x-forwarded-")]


def test_services_are_told_the_client_as_a_trusted_proxy_states_it(behind_proxy, gateway):
    reply = behind_proxy.ask(get(PRODUCTS, *SAID))
    assert forwarded(reply) == ["192.0.2.7", "https", "souk.test"]
    assert "strict-transport-security" in dict(reply.fields)


def test_a_trusted_proxy_that_says_nothing_or_nonsense_is_the_client(behind_proxy, gateway):
    assert forwarded(behind_proxy.ask(get(PRODUCTS))) == ["127.0.0.1", "http", "souk.test"]
    nonsense = get(PRODUCTS, "X-Forwarded-For: me", "X-Forwarded-Proto: gopher")
    assert forwarded(behind_proxy.ask(nonsense)) == ["127.0.0.1", "http", "souk.test"]


def test_each_request_of_a_proxys_connection_has_its_own_client(behind_proxy, gateway):
    wire = behind_proxy.connect()
    clients = [f"192.0.2.{number}" for number in range(3)]
    told = [forwarded(wire.send(get(PRODUCTS, f"X-Forwarded-For: {each}")).message())[0] for each in clients]
    told += forwarded(wire.send(get(PRODUCTS)).message())[:1]
    wire.close()
    assert told == [*clients, "127.0.0.1"]


def test_nobody_else_is_believed(gateway):
    reply = gateway.ask(get(PRODUCTS, *SAID))
    assert forwarded(reply) == ["127.0.0.1", "http", "souk.test"]
    assert "strict-transport-security" not in dict(reply.fields)
