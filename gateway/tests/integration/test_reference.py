"""The document and the reference page of the whole system, as a client of a running gateway sees them."""

import json

import pytest
from describing import tree
from serving import get, post, whole

from chassis.testing.waiting import until

ORDERS = tree(
    {"/api/v1/orders/{order_id}": {"get": {"summary": "Show an own order."}}, "/internal/x": {"get": {}}}
)


def saying(document, release="r1"):
    """Return what a service does that describes itself so, and what it does when it is asked whether it is ready."""
    fields = "Content-Type: application/json\r\n"
    return (
        lambda wire, request: wire.send(whole(body=json.dumps(document).encode(), fields=fields)),
        lambda wire, request: wire.send(whole(body=json.dumps({"release": release}).encode())),
    )


@pytest.fixture
def described(start_gateway, orders):
    """A gateway that has taken the document of orders, which alone gives one."""
    orders.reset()
    orders.document, orders.check = saying(ORDERS)
    gateway = start_gateway(check_interval_seconds=0.1)
    until(lambda: paths(gateway))
    yield gateway
    orders.reset()


def document(gateway):
    return json.loads(gateway.ask(get("/openapi.json")).body)


def paths(gateway):
    return document(gateway)["paths"]


def test_the_document_has_the_routes_that_go_through_and_names_who_is_silent(described):
    assert list(paths(described)) == ["/api/v1/orders/{order_id}"]
    assert document(described)["x-missing-services"] == ["users", "payments"]


def test_the_page_shows_them_and_may_run_nothing(described):
    page = described.ask(get("/reference"))
    assert (page.status, page["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Show an own order." in page.body and b"internal" not in page.body
    assert "default-src 'none'" in page["content-security-policy"]
    assert "script-src" not in page["content-security-policy"]
    assert described.ask(get("/papers.css"))["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("path", ["/openapi.json", "/reference"])
def test_what_a_client_has_is_not_sent_again_until_it_changes(described, orders, path):
    etag = described.ask(get(path))["etag"]
    again = described.ask(get(path, f"If-None-Match: {etag}"))
    assert (again.status, again.body) == (304, b"")
    assert described.ask(post(path, "")).status == 405
    new = tree({"/api/v1/orders/{order_id}": {"get": {"summary": "Show it, in another release."}}})
    orders.document, orders.check = saying(new, "r2")
    until(lambda: described.ask(get(path, f"If-None-Match: {etag}")).status == 200)


def test_a_service_that_goes_down_stays_in_the_document(described, orders):
    orders.document = orders.check = lambda wire, request: wire.close()
    until(lambda: any(line["message"] == "instance open" for line in described.lines()))
    assert list(paths(described)) == ["/api/v1/orders/{order_id}"]


def test_the_routes_of_a_new_route_file_are_in_the_document(start_gateway, orders, tmp_path):
    orders.document, _ = saying(ORDERS)
    routes = tmp_path / "routes.toml"
    routes.write_text(
        '[[route]]\npath = "/none"\nmethods = ["GET"]\nupstream = "orders"\npolicy = "public"\n'
    )
    gateway = start_gateway(routes_file=routes)
    until(lambda: "orders" not in document(gateway)["x-missing-services"])
    assert paths(gateway) == {}
    routes.write_text(routes.read_text().replace("/none", "/internal/x"))
    gateway.process.send_signal(1)
    until(lambda: list(paths(gateway)) == ["/internal/x"])
    orders.reset()
