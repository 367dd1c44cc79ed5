"""What is no proper request never reaches a service, and ends its connection."""

import pytest
from serving import get, post

PUBLIC = "/api/v1/products/TEA-1"
HOST = "Host: souk.test\r\n"
CANARY = f"GET /api/v1/products/CANARY HTTP/1.1\r\n{HOST}\r\n"
POST = f"POST /api/v1/users HTTP/1.1\r\n{HOST}"

ODD_TARGETS = [
    "//api/v1/products",
    "/api/v1/products/../users",
    "/api/v1/products/%2e%2e/users",
    "/api/v1/products/TEA%2F1",
    "/api/v1/products/TEA%001",
    "/api/v1/products/TEA;1",
    "/api/v1/products\\TEA",
    "http://souk.test/api/v1/products",
    "*",
    "/api/v1/products#x",
]

# Each is followed by a whole request, which must not be answered, and must not reach a service.
SMUGGLERS = {
    "length and coding": f"{POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: {len(CANARY)}\r\n\r\n",
    "a list of lengths": f"{POST}Content-Length: 0, {len(CANARY)}\r\n\r\n",
    "a coding spelt oddly": f"{POST}Transfer-Encoding: x chunked\r\n\r\n0\r\n\r\n",
    "a coding behind a tab": f"{POST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding and a space": f"{POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "two codings": f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a folded coding": f"{POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a bare LF": f"{POST}X: y\nContent-Length: {len(CANARY)}\r\n\r\n",
    "a bad chunk": f"{POST}Transfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n",
    "trailer fields": f"{POST}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
    "an upgrade": f"GET {PUBLIC} HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "HTTP/1.0": f"GET {PUBLIC} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two Hosts": f"GET {PUBLIC} HTTP/1.1\r\n{HOST}{HOST}\r\n",
    "an absolute target": f"GET http://souk.test{PUBLIC} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n",
    "a body with GET": f"GET {PUBLIC} HTTP/1.1\r\n{HOST}Content-Length: {len(CANARY)}\r\n\r\n",
    "a body refused": f"POST /api/v1/orders HTTP/1.1\r\n{HOST}Content-Length: {len(CANARY) + 1}\r\n\r\n",
}


@pytest.mark.parametrize("target", ODD_TARGETS)
def test_an_odd_target_is_refused_before_routing(gateway, orders, target):
    reply = gateway.ask(get(target))
    assert (reply.status, reply.problem["code"]) == (400, "malformed_target")
    assert not orders.requests


@pytest.mark.parametrize("name", SMUGGLERS)
def test_no_second_request_hides_in_the_first(gateway, orders, users, name):
    wire = gateway.connect()
    reply = wire.send(SMUGGLERS[name] + CANARY).message()
    assert reply.status >= 400 and reply.problem["request_id"] == reply["x-request-id"]
    assert reply["connection"] == "close" and wire.ended()
    wire.close()
    assert not orders.requests and not [each for each in users.requests if each.line[0] == "POST"]


def test_a_body_that_looks_like_a_request_is_a_body(gateway, users, orders):
    users.answer = None
    wire = gateway.connect()
    assert wire.send(post("/api/v1/users", CANARY) + get(PUBLIC)).message().status == 200
    assert wire.message().status == 200
    wire.close()
    assert [request.target for request in orders.requests] == [PUBLIC]
    assert users.requests[-1].target == "/api/v1/users" and users.requests[-1].body.decode() == CANARY


def test_a_bad_request_behind_a_good_one_does_not_take_its_answer(gateway):
    wire = gateway.connect()
    wire.send(get(PUBLIC) + SMUGGLERS["two lengths"])
    assert wire.message().status == 200
    assert wire.message().status == 400 and wire.ended()
    wire.close()


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (get("/" + "a" * 9000), 414, "target_too_long"),
        (get(PUBLIC, "X: " + "a" * 17_000), 431, "header_too_large"),
        (get(PUBLIC, *["X: y"] * 101), 431, "header_too_large"),
        (get(PUBLIC, method="TRACE"), 501, "method_not_implemented"),
        (get(PUBLIC, method="PATCH"), 405, "method_not_allowed"),
        (get("/nowhere"), 404, "not_found"),
        (post("/api/v1/users", "a" * 65_537), 413, "body_too_large"),
        (get(PUBLIC, "Expect: miracles"), 417, "expectation_failed"),
    ],
)
def test_each_refusal_has_its_status_and_code(gateway, raw, status, code):
    reply = gateway.ask(raw)
    assert (reply.status, reply.problem["code"]) == (status, code)


def test_a_wrong_method_is_told_which_are_allowed(gateway):
    assert gateway.ask(get("/api/v1/products/TEA-1", method="DELETE"))["allow"] == "GET, HEAD, PUT"


def test_a_refusal_that_has_read_everything_keeps_the_connection(gateway):
    wire = gateway.connect()
    assert wire.send(get("/nowhere")).message().status == 404
    assert wire.send(get(PUBLIC)).message().status == 200
    wire.close()
