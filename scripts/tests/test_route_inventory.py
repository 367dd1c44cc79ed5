"""Every route of every service goes through the gateway's route file, or is declared to be for its own network."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from stack.places import DATABASES

ROOT = Path(__file__).resolve().parents[2]

# What no client may reach, and why.
INTERNAL = {
    "users GET /internal/revocations": "the gateway asks for it, to know which tokens have ended",
}
# What the chassis gives every service, outside its document: for probes, the scrape, and the gateway's own document.
OPERATIONAL = {"/livez", "/readyz", "/metrics", "/openapi.json"}


def shape(path):
    """Return a path without the names of its parameters: services and the route file name them differently."""
    return re.sub(r"\{[^}]+\}", "{}", path)


def served(documents):
    """Return every route the services' documents describe, as "service METHOD /path"."""
    return {
        f"{service} {method.upper()} {shape(path)}"
        for service, document in documents.items()
        for path, item in document["paths"].items()
        for method in item.keys() & {"get", "put", "post", "delete", "options", "patch", "trace"}
    }


def routed(route_file):
    """Return every route a client can take, in the same form."""
    return {
        f"{route['upstream']} {method} {shape(route['path'])}"
        for route in route_file["route"]
        for method in route["methods"]
    }


def undecided(documents, route_file, internal):
    """Return the routes that are neither public nor internal, or said to be both, or said to be and are not."""
    public, own = routed(route_file), set(internal)
    return (served(documents) ^ (public | own)) | (public & own)


def kept_back(documents, route_file):
    """Return the headers and cookies that a service reads and its route does not let through."""
    return {
        f"{route['upstream']} {method} {shape(route['path'])}: {parameter['name']}"
        for route in route_file["route"]
        for path, item in documents[route["upstream"]]["paths"].items()
        for method in route["methods"]
        if shape(path) == shape(route["path"]) and method.lower() in item
        for parameter in item[method.lower()].get("parameters", [])
        if parameter["in"] in ("header", "cookie")
        if (parameter["name"].lower() if parameter["in"] == "header" else "cookie")
        not in [*route_file["forward"], *route.get("forward", [])]
    }


@pytest.fixture
def documents():
    return {name: json.loads((ROOT / name / "openapi.json").read_text()) for name in DATABASES}


@pytest.fixture
def route_file():
    return tomllib.loads((ROOT / "gateway/src/gateway/routes.toml").read_text())


def test_every_route_is_reachable_or_declared_internal_and_none_leads_nowhere(documents, route_file):
    assert undecided(documents, route_file, INTERNAL) == set()


def test_what_a_service_reads_of_a_request_goes_through(documents, route_file):
    assert kept_back(documents, route_file) == set()


@pytest.mark.parametrize(
    ("path", "name"),
    [("/api/v1/orders", "Idempotency-Key"), ("/api/v1/auth/token", "__Secure-refresh_token")],
)
def test_a_header_or_cookie_that_does_not_go_through_is_noticed(documents, route_file, path, name):
    route = next(each for each in route_file["route"] if each["path"] == path)
    route["forward"] = []
    assert kept_back(documents, route_file) == {f"{route['upstream']} POST {path}: {name}"}


def test_every_service_of_the_tree_is_looked_at():
    assert {place.parent.name for place in ROOT.glob("*/openapi.json")} == set(DATABASES)


def test_nothing_operational_goes_through(route_file):
    assert not OPERATIONAL & {route["path"] for route in route_file["route"]}


@pytest.mark.parametrize("added", ["/api/v1/orders/{order_id}/invoice", "/internal/prices"])
def test_a_route_added_to_a_service_is_noticed(documents, route_file, added):
    documents["orders"]["paths"][added] = {"parameters": [], "get": {}}
    assert undecided(documents, route_file, INTERNAL) == {f"orders GET {shape(added)}"}


def test_a_method_added_to_a_service_is_noticed(documents, route_file):
    documents["payments"]["paths"]["/api/v1/payments/{payment_id}"]["delete"] = {}
    assert undecided(documents, route_file, INTERNAL) == {"payments DELETE /api/v1/payments/{}"}


def test_a_route_to_the_wrong_service_is_noticed(documents, route_file):
    route_file["route"][0]["upstream"] = "orders"
    assert undecided(documents, route_file, INTERNAL) == {
        "orders POST /api/v1/users",
        "users POST /api/v1/users",
    }


def test_a_public_route_that_its_service_no_longer_has_is_noticed(documents, route_file):
    del documents["orders"]["paths"]["/api/v1/orders/{order_id}/cancel"]
    assert undecided(documents, route_file, INTERNAL) == {"orders POST /api/v1/orders/{}/cancel"}


def test_an_internal_route_that_became_public_or_went_away_is_noticed(documents, route_file):
    public = {"path": "/internal/revocations", "methods": ["GET"], "upstream": "users"}
    opened = {"route": [*route_file["route"], public]}
    assert undecided(documents, opened, INTERNAL) == {"users GET /internal/revocations"}
    del documents["users"]["paths"]["/internal/revocations"]
    assert undecided(documents, route_file, INTERNAL) == {"users GET /internal/revocations"}
