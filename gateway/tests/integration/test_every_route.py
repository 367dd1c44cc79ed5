"""Each route of the route file, as it stands there, against every kind of caller and the usual mistakes."""

import re
import time

import pytest
from issuing import Issuer
from serving import get
from witness import ROUTES, gateway_before, mark

from gateway.front.request import METHODS
from gateway.route_file import load
from gateway.routes import ADMIN, PUBLIC

ALL = load(ROUTES, ["users", "orders", "payments"], deadline_seconds=10, body_max_bytes=65536).all
EACH = [
    pytest.param(route, method, id=f"{method} {route.template}") for route in ALL for method in route.methods
]
TEMPLATES = sorted({route.template for route in ALL})
BAD = ("garbage", "expired", "a stranger's")


@pytest.fixture(scope="module")
def chain(tmp_path_factory, issuer):
    with gateway_before(tmp_path_factory.mktemp("routes"), issuer) as both:
        yield both


@pytest.fixture(scope="module")
def bearers(issuer):
    """What each kind of caller says of itself."""
    return {
        "nobody": None,
        "garbage": "Bearer a.b.c",
        "expired": issuer.bearer(exp=int(time.time()) - 3600),
        "a stranger's": Issuer().bearer(headers={"kid": issuer.kid}),
        "user": issuer.bearer(),
        "admin": issuer.bearer(roles=["admin"]),
    }


def expected(route, caller):
    if route.policy == PUBLIC:
        return 401 if caller in BAD and route.reads_token else 200
    if caller == "nobody" or caller in BAD:
        return 401
    return 403 if route.policy == ADMIN and caller == "user" else 200


def path_of(template):
    return re.sub(r"\{[a-z_]+\}", "0190f3b2-7c4e-7d3a-9a51-5f0c2b1a9e77", template)


def request(method, target, bearer, body="", length=None):
    fields = [f"Authorization: {bearer}"] if bearer else []
    if body or length:
        fields.append(f"Content-Length: {length or len(body)}")
    return get(target, *fields, method=method) + body


def reached(chain):
    return [(each["method"], each["target"], each["rule"], len(each["body"])) for each in mark(*chain)]


@pytest.mark.parametrize(("route", "method"), EACH)
def test_who_may_call_it_and_nobody_else_reaches_the_service(chain, bearers, route, method):
    target, wanted = f"{path_of(route.template)}?unknown=1&unknown=%20", []
    asked = "GET" if route.cache else method  # what is kept for all is asked for whole
    for caller, bearer in bearers.items():
        status = expected(route, caller)
        reply = chain[0].ask(request(method, target, bearer))
        assert reply.status == status, caller
        if status == 200:
            wanted.append((asked, target, route.template, 0))
    assert reached(chain) == wanted


@pytest.mark.parametrize(("route", "method"), EACH)
def test_a_body_within_the_limit_goes_through_and_no_other(chain, bearers, route, method):
    gateway, target = chain[0], path_of(route.template)
    bodiless, most = method in ("GET", "HEAD"), route.body_max_bytes
    fitting = gateway.ask(request(method, target, bearers["admin"], "a" * (1 if bodiless else most)))
    assert fitting.status == (400 if bodiless else 200)
    large = gateway.ask(request(method, target, bearers["admin"], length=most + 1))
    assert large.status == (400 if bodiless else 413) and large["connection"] == "close"
    if route.policy != PUBLIC:
        assert gateway.ask(request(method, target, None, length=most)).status == 401
    assert reached(chain) == ([] if bodiless else [(method, target, route.template, most)])


@pytest.mark.parametrize("template", TEMPLATES)
def test_another_method_is_told_which_ones_go(chain, bearers, template):
    allowed = {method for route in ALL if route.template == template for method in route.methods}
    for method in {*METHODS.values(), "TRACE"} - allowed:
        reply = chain[0].ask(request(method, path_of(template), bearers["admin"]))
        if method == "TRACE":
            assert reply.status == 501
        else:
            assert (reply.status, reply["allow"]) == (405, ", ".join(sorted(allowed)))
    assert reached(chain) == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_next_to_it_is_not_it(chain, bearers, template):
    path = path_of(template)
    near = {
        "/": 404,
        "//": 400,
        "/.": 400,
        "/..": 400,
        ";a": 400,
        "%00": 400,
        "/%2e": 400,
        "#a": 400,
        "?a=%00": 400,
    }
    for behind, status in near.items():
        assert chain[0].ask(request("GET", path + behind, bearers["admin"])).status == status, behind
    assert chain[0].ask(request("GET", f"/x{path}", bearers["admin"])).status == 404
    assert reached(chain) == []
