"""The route file: what the packaged one promises, and what a broken one is told."""

import pytest

from gateway.route_file import load
from gateway.routes import NoRoute, WrongMethod
from gateway.settings import _PACKAGED_ROUTES

UPSTREAMS = ("users", "orders", "payments")

# design's table: method, path, upstream, policy
PROMISED = [
    ("POST", "/api/v1/users", "users", "public"),
    ("GET", "/api/v1/users", "users", "admin"),
    ("GET", "/api/v1/users/me", "users", "user"),
    ("PATCH", "/api/v1/users/me", "users", "user"),
    ("DELETE", "/api/v1/users/me", "users", "user"),
    ("GET", "/api/v1/users/me/notifications", "users", "user"),
    ("GET", "/api/v1/users/0190f3b2", "users", "admin"),
    ("POST", "/api/v1/auth/token", "users", "public"),
    ("POST", "/api/v1/auth/revoke", "users", "public"),
    ("GET", "/.well-known/jwks.json", "users", "public"),
    ("GET", "/.well-known/oauth-authorization-server", "users", "public"),
    ("GET", "/api/v1/products", "orders", "public"),
    ("HEAD", "/api/v1/products", "orders", "public"),
    ("GET", "/api/v1/products/TEA-1", "orders", "public"),
    ("PUT", "/api/v1/products/TEA-1", "orders", "admin"),
    ("GET", "/api/v1/orders", "orders", "user"),
    ("POST", "/api/v1/orders", "orders", "user"),
    ("GET", "/api/v1/orders/0190f3b2", "orders", "user"),
    ("GET", "/api/v1/orders/0190f3b2/events", "orders", "user"),
    ("POST", "/api/v1/orders/0190f3b2/cancel", "orders", "user"),
    ("GET", "/api/v1/payments", "payments", "user"),
    ("POST", "/api/v1/payments", "payments", "user"),
    ("GET", "/api/v1/payments/0190f3b2", "payments", "user"),
    ("POST", "/api/v1/payments/0190f3b2/refunds", "payments", "admin"),
    ("POST", "/api/v1/payments/webhooks/stripe", "payments", "public"),
]

UNKNOWN = [
    "/",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/api/v1",
    "/api/v1/",
    "/api/v1/users/",
    "/api/v1/users/me/",
    "/api/v1/users/1/notifications",
    "/api/v1/payments/webhooks/other",
    "/api/v1/orders/1/events/2",
    "/API/v1/orders",
    "/.well-known",
]


def routes_of(path):
    return load(path, UPSTREAMS, deadline_seconds=10, body_max_bytes=65536)


@pytest.fixture(scope="module")
def packaged():
    return routes_of(_PACKAGED_ROUTES)


@pytest.mark.parametrize(("method", "path", "upstream", "policy"), PROMISED)
def test_a_promised_route_goes_to_its_service(packaged, method, path, upstream, policy):
    route = packaged.match(method, path)
    assert (route.upstream, route.policy) == (upstream, policy)


def test_no_route_is_there_that_was_not_promised(packaged):
    promised = {packaged.match(method, path).template for method, path, *_ in PROMISED}
    assert promised == {route.template for route in packaged.all}


@pytest.mark.parametrize("path", UNKNOWN)
def test_another_path_leads_nowhere(packaged, path):
    with pytest.raises(NoRoute):
        packaged.match("GET", path)


def test_another_method_is_told_which_are_allowed(packaged):
    with pytest.raises(WrongMethod) as refusal:
        packaged.match("DELETE", "/api/v1/products/TEA-1")
    assert refusal.value.allowed == "GET, HEAD, PUT"


def test_the_token_endpoints_alone_have_errors_of_their_own(packaged):
    own = {route.template for route in packaged.all if route.oauth_errors}
    assert own == {"/api/v1/auth/token", "/api/v1/auth/revoke"}
    with pytest.raises(WrongMethod) as refusal:
        packaged.match("GET", "/api/v1/auth/token")
    assert refusal.value.oauth_errors


def test_a_literal_segment_wins_over_a_parameter(packaged):
    assert packaged.match("GET", "/api/v1/users/me").template == "/api/v1/users/me"
    assert packaged.match("GET", "/api/v1/payments/webhooks").template == "/api/v1/payments/{id}"


def test_cookies_go_to_the_token_endpoints_only(packaged):
    with_cookies = {route.template for route in packaged.all if b"cookie" in route.forward}
    assert with_cookies == {"/api/v1/auth/token", "/api/v1/auth/revoke"}


def test_keys_of_retries_go_where_they_are_required(packaged):
    keyed = {route.template for route in packaged.all if b"idempotency-key" in route.forward}
    assert keyed == {
        "/api/v1/orders",
        "/api/v1/orders/{id}/cancel",
        "/api/v1/payments",
        "/api/v1/payments/{id}/refunds",
    }
