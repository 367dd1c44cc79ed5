"""Instances that come and go while requests run, and a canary beside them."""

import json
import os
import threading

import pytest
from serving import SERVICE, Service, get, get_new, whole

ORDERS = "/api/v1/orders"


@pytest.fixture
def pair(services):
    for service in services.values():
        service.reset()
    both = Service(), Service()
    yield both
    for each in both:
        each.stop()


def write(path, *instances, text=None):
    beside = path.with_suffix(".new")
    beside.write_text(text or json.dumps({"orders": [each.url for each in instances]}))
    os.replace(beside, path)


def test_instances_come_and_go_with_a_file(start_gateway, pair, tmp_path, until):
    path = tmp_path / "instances.json"
    gateway = start_gateway(orders_url=f"file://{path}")
    reply = gateway.ask(get_new())
    assert reply.problem["code"] == "upstream_unavailable" and int(reply["retry-after"]) >= 1
    write(path, pair[0])
    until(lambda: gateway.ask(get_new()).status == 200)
    write(path, *pair)
    until(lambda: gateway.ask(get_new()).status == 200 and pair[1].requests)
    write(path, text="{broken")
    until(lambda: [line for line in gateway.lines() if "instances file refused" in line.get("message", "")])
    assert {gateway.ask(get_new()).status for _ in range(4)} == {200}


def test_one_that_is_taken_from_the_list_ends_what_it_has(start_gateway, pair, tmp_path, until):
    path, free = tmp_path / "instances.json", threading.Event()
    write(path, pair[0])
    gateway = start_gateway(orders_url=f"file://{path}", request_deadline_seconds=60)
    assert gateway.ask(get_new()).status == 200 and pair[0].open
    pair[0].answer = lambda wire, request: (free.wait(60), wire.send(whole(body=b"late")))
    waiting = gateway.connect().send(get_new())
    until(lambda: len(pair[0].requests) == 2)
    write(path, pair[1])
    until(lambda: [line for line in gateway.lines() if line.get("left")])
    assert gateway.ask(get_new()).status == 200 and pair[1].requests
    free.set()
    assert waiting.message().body == b"late"
    waiting.close()
    until(lambda: not pair[0].open)


def test_a_name_stands_for_its_addresses(start_gateway, pair):
    gateway = start_gateway(orders_url=f"dns://localhost:{pair[0].port}")
    assert gateway.ask(get_new()).status == 200
    assert pair[0].requests[0]["host"] == f"127.0.0.1:{pair[0].port}"


def test_a_canary_gets_its_share_and_whoever_asks_for_it(start_gateway, pair, users, issuer, tmp_path):
    users.answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    bearer = f"Authorization: {issuer.bearer()}"
    routes = tmp_path / "routes.toml"
    table = '\n[upstream.orders]\ncanary_share = 0.2\ncanary_header = "x-souk-canary"\n'
    routes.write_text((SERVICE / "src/gateway/routes.toml").read_text() + table)
    stable, canary = pair
    urls = {"orders_url": stable.url, "orders_canary_url": canary.url}
    # On a busy machine a look may be in vain, and who is looked at in vain is left alone.
    gateway = start_gateway(**urls, routes_file=routes, check_interval_seconds=300)
    assert {gateway.ask(get(ORDERS, bearer)).status for _ in range(20)} == {200}
    assert (len(stable.requests), len(canary.requests)) == (16, 4)
    for value, counts in (("always", (16, 7)), ("never", (19, 7))):
        for _ in range(3):
            gateway.ask(get(ORDERS, bearer, f"X-Souk-Canary: {value}"))
        assert (len(stable.requests), len(canary.requests)) == counts
    assert "x-souk-canary" not in dict(canary.requests[-1].fields)
    canary.stop()
    assert {gateway.ask(get(ORDERS, bearer, "X-Souk-Canary: always")).status for _ in range(5)} == {200}
