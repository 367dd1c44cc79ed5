"""What the gateway takes a path for is what the service takes it for: thousands of spellings, through both."""

import json
import re
import tomllib
from itertools import product

import pytest
from paths import mutated
from serving import get
from witness import ROUTES, gateway_before, mark

from gateway.route_file import load

COUNT, SEED = 5200, 20261120
VALUES = ["TEA-1", "0190f3b2-7c4e-7d3a-9a51-5f0c2b1a9e77", "me", "a.b~c", "1"]
OWN_PAGES = {"/"}


@pytest.fixture(scope="module")
def open_routes(tmp_path_factory):
    """The route file, open to everybody."""
    file = tmp_path_factory.mktemp("routes") / "routes.toml"
    file.write_text(re.sub('policy = "(user|admin)"', 'policy = "public"', ROUTES.read_text()))
    return file


@pytest.fixture(scope="module")
def chain(tmp_path_factory, issuer, open_routes):
    with gateway_before(tmp_path_factory.mktemp("paths"), issuer, routes=open_routes) as both:
        yield both


def good_targets(file):
    for route in tomllib.loads(file.read_text())["route"]:
        for value, query in product(VALUES, ["", "?limit=20&cursor=AbC_-d"]):
            yield re.sub(r"\{[a-z_]+\}", value, route["path"]) + query


class Asking:
    """One client that connects again when it has been turned away."""

    def __init__(self, gateway):
        self.gateway, self.wire = gateway, gateway.connect()

    def ask(self, method, target):
        reply = self.wire.send(get(target, method=method)).message()
        if ("connection", "close") in reply.fields:
            self.wire.close()
            self.wire = self.gateway.connect()
        return reply


def test_a_service_sees_each_path_as_the_gateway_saw_it_or_not_at_all(chain, open_routes):
    gateway, witness = chain
    routes = load(open_routes, ["users", "orders", "payments"], deadline_seconds=1, body_max_bytes=1)
    client, passed, refused = Asking(gateway), [], {}
    for number, target in enumerate(mutated(list(dict.fromkeys(good_targets(open_routes))), COUNT, SEED)):
        method = "POST" if number % 4 == 0 else "GET"
        path = target.partition("?")[0]
        if path in OWN_PAGES:
            continue
        reply = client.ask(method, target)
        if reply.status != 200:
            refused.setdefault(reply.status, []).append(target)
            continue
        told = json.loads(reply.body)
        assert (told["method"], told["target"], told["path"]) == (method, target, path)
        assert (told["path"], told["query"]) == (path, target.partition("?")[2])
        assert told["rule"] == routes.match(method, path).template
        passed.append(target)
    assert refused.keys() == {400, 404, 405, 414}, {status: refused[status][:3] for status in refused}
    assert len(passed) > 300 and len(passed) + sum(map(len, refused.values())) >= 5000
    assert [each["target"] for each in mark(gateway, witness)] == passed
