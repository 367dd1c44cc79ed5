"""What browsers are told: origins that may call, and what to guard against."""

import pytest
from serving import Gateway, get, get_new, post, whole

PRODUCTS, ORDERS, TOKEN = "/api/v1/products", "/api/v1/orders", "/api/v1/auth/token"
SHOP = "https://shop.test"
LISTED = f"Origin: {SHOP}"
STRANGERS = [
    *("https://evil.test", "null", "https://shop.test.evil.test", "https://SHOP.test", "http://shop.test"),
    *("https://shop.test:8443", "https://shop.test/", "*", "https://admin.test,https://shop.test", ""),
]


@pytest.fixture(scope="module")
def cors_gateway(tmp_path_factory, services):
    origins = f"{SHOP},https://admin.test"
    gateway = Gateway(tmp_path_factory.mktemp("cors"), services, cors_origins=origins, public_scheme="https")
    yield gateway
    gateway.stop()


@pytest.fixture
def listing(cors_gateway, gateway):
    """A gateway with a list of origins, before services that have been reset."""
    return cors_gateway


def preflight(path, method, *fields, origin=LISTED):
    return get(path, origin, f"Access-Control-Request-Method: {method}", *fields, method="OPTIONS")


def words(value):
    return {each.strip().lower() for each in value.split(",")}


def cors_of(reply):
    return {name for name, _ in reply.fields if name.startswith("access-control-")}


def test_a_listed_origin_is_told_what_it_may_send(listing, orders):
    reply = listing.ask(preflight(ORDERS, "POST", "Access-Control-Request-Headers: authorization,x-evil"))
    assert (reply.status, reply["access-control-allow-origin"], reply.body) == (204, SHOP, b"")
    assert words(reply["access-control-allow-methods"]) == {"get", "head", "post"}
    assert words(reply["access-control-allow-headers"]) == {
        *("accept", "accept-language", "authorization", "content-type", "idempotency-key"),
        *("if-modified-since", "if-none-match", "x-request-id"),
    }
    assert int(reply["access-control-max-age"]) > 0
    assert "origin" in words(
        ",".join(reply.all("vary"))
    ) and "access-control-allow-credentials" not in cors_of(reply)
    assert orders.requests == []


def test_a_place_that_takes_cookies_says_so_and_names_none(listing):
    reply = listing.ask(preflight(TOKEN, "POST"))
    assert reply["access-control-allow-credentials"] == "true"
    assert "cookie" not in words(reply["access-control-allow-headers"])


def test_a_preflight_needs_no_token_and_a_path_that_is_not_there_is_not_found(listing):
    assert listing.ask(preflight("/api/v1/users/me", "DELETE")).status == 204
    reply = listing.ask(preflight("/api/v1/nothing", "GET"))
    assert (reply.status, reply["access-control-allow-origin"]) == (404, SHOP)


@pytest.mark.parametrize("origin", STRANGERS)
def test_another_origin_is_told_nothing(listing, origin):
    for request in (
        preflight(PRODUCTS, "GET", origin=f"Origin: {origin}"),
        get(PRODUCTS, f"Origin: {origin}"),
    ):
        reply = listing.ask(request)
        assert reply.status == (405 if request.startswith("OPTIONS") else 200)
        assert cors_of(reply) == set() and reply["vary"] == "origin"


@pytest.mark.parametrize("fields", [[], [LISTED], ["Access-Control-Request-Method: GET"]])
def test_any_other_options_is_no_method_of_a_route(listing, fields):
    assert listing.ask(get(PRODUCTS, *fields, method="OPTIONS")).problem["code"] == "method_not_allowed"


def test_an_answer_to_a_listed_origin_may_be_read_there(listing, orders):
    own = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: Accept\r\n"
    orders.answer = lambda wire, request: wire.send(whole(fields=own))
    reply = listing.ask(get(PRODUCTS, LISTED))
    assert reply.all("access-control-allow-origin") == [SHOP]
    assert words(",".join(reply.all("vary"))) == {"origin", "accept"}
    assert {"x-request-id", "retry-after", "etag", "location"} <= words(
        reply["access-control-expose-headers"]
    )
    assert "access-control-allow-credentials" not in cors_of(reply)
    assert listing.ask(get(PRODUCTS))["vary"] == "origin"


def test_only_what_takes_cookies_lets_them_be_sent(listing, users):
    users.answer = lambda wire, request: wire.send(whole())
    reply = listing.ask(post(TOKEN, "", LISTED))
    assert (reply["access-control-allow-credentials"], reply["access-control-allow-origin"]) == ("true", SHOP)


def test_refusals_of_the_gateway_may_be_read_too(listing, orders):
    assert listing.ask(get(ORDERS, LISTED))["access-control-allow-origin"] == SHOP
    orders.answer = lambda wire, request: wire.close()
    reply = listing.ask(get(PRODUCTS, LISTED))
    assert (reply.status, reply["access-control-allow-origin"]) == (503, SHOP)
    assert listing.ask(get("/a//b", LISTED))["access-control-allow-origin"] == SHOP


def test_without_a_list_there_is_no_word_of_origins(gateway):
    assert gateway.ask(preflight(PRODUCTS, "GET")).status == 405
    reply = gateway.ask(get(PRODUCTS, LISTED))
    assert cors_of(reply) == set() and reply.all("vary") == []


GUARDED = {
    "an answer": get(PRODUCTS),
    "a refusal": get(ORDERS),
    "nothing there": get("/nothing"),
    "no path": get("/a//b"),
    "no http": "nonsense\r\n\r\n",
    "a page": get("/"),
    "a page not changed": get("/", "If-None-Match: *"),
}


@pytest.mark.parametrize("request_text", GUARDED.values(), ids=GUARDED)
def test_every_answer_tells_browsers_what_to_guard_against(listing, gateway, orders, request_text):
    orders.answer = lambda wire, request: wire.send(whole(fields="X-Content-Type-Options: none\r\n"))
    for each, secure in ((listing, True), (gateway, False)):
        reply = each.ask(request_text)
        assert reply.all("x-content-type-options") == ["nosniff"]
        assert reply.all("referrer-policy") == ["no-referrer"]
        assert bool(reply.all("strict-transport-security")) == secure
        (policy,) = reply.all("content-security-policy")
        assert ("default-src 'self'" if "GET / " in request_text else "default-src 'none'") in policy
        assert "frame-ancestors 'none'" in policy


def test_what_a_token_opened_is_stored_nowhere(gateway, issuer):
    reply = gateway.ask(get(PRODUCTS, f"Authorization: {issuer.bearer()}"))
    assert reply["cache-control"] == "no-store"
    assert gateway.ask(get(PRODUCTS)).all("cache-control") == []


def test_failures_are_stored_nowhere_unless_the_service_says_so(gateway, orders):
    orders.answer = lambda wire, request: wire.send(whole(404))
    assert gateway.ask(get(PRODUCTS))["cache-control"] == "no-store"
    orders.answer = lambda wire, request: wire.send(whole(404, fields="Cache-Control: max-age=9\r\n"))
    assert gateway.ask(get_new()).all("cache-control") == ["max-age=9"]
