"""The status pages of a running gateway: to anybody, and to its own network."""

import json

import pytest
from serving import Service, get, whole

from chassis.testing.waiting import until


@pytest.fixture
def second():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def watched(start_gateway, services, second):
    """A gateway of two processes before two instances of orders, one of them unready and of another release."""
    for service in services.values():
        service.reset()
    services["orders"].check = lambda wire, request: wire.send(whole(body=b'{"release": "r1"}'))
    second.check = lambda wire, request: wire.send(whole(503, b'{"release": "r2"}'))
    gateway = start_gateway(
        web_processes=2,
        orders_url=f"{services['orders'].url},{second.url}",
        check_interval_seconds=0.1,
        status_interval_seconds=0.1,
    )
    until(lambda: shown(gateway).get("orders", {}).get("releases") == ["r1", "r2"])
    yield gateway
    services["orders"].reset()


def shown(gateway):
    view = json.loads(gateway.ask(get("/status.json")).body)
    return {each["name"]: each for each in view["services"]}


def own(gateway):
    return json.loads(gateway.page("/status.json").body)


def test_anybody_sees_the_state_of_each_service(watched):
    until(lambda: shown(watched)["orders"]["state"] == "degraded")
    until(lambda: shown(watched)["users"]["state"] == "up")
    # Either process may answer, and they look on their own.
    page = until(lambda: b"degraded" in (told := watched.ask(get("/status"))).body and told)
    assert (page.status, page["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"127.0.0.1" not in page.body
    assert "default-src 'none'" in page["content-security-policy"]


def test_a_service_that_goes_down_is_shown_as_such_and_again_when_it_is_back(watched, services):
    services["users"].check = lambda wire, request: wire.send(whole(503, b"{}"))
    until(lambda: shown(watched)["users"]["state"] == "down")
    services["users"].check = None
    until(lambda: shown(watched)["users"]["state"] == "up")


def test_the_own_network_sees_what_all_processes_know_of_each_instance(watched, services, second):
    wanted = {f"127.0.0.1:{services['orders'].port}": "in use", f"127.0.0.1:{second.port}": "unready"}

    def seen(process):
        return {each["address"]: each["state"] for each in process["services"]["orders"]["instances"]}

    until(lambda: [seen(process) for process in own(watched)["processes"]] == [wanted, wanted])
    page = watched.page("/status")
    assert (page.status, page["cache-control"]) == (200, "no-store")
    assert f"127.0.0.1:{second.port}".encode() in page.body
    assert watched.page("/papers.css")["content-type"] == "text/css; charset=utf-8"


def test_what_is_recorded_of_requests_has_only_names_that_the_gateway_chose(watched):
    for path in ("/status", "/status.json", "/reference", "/openapi.json", "/papers.css", "/api/v1/products"):
        watched.ask(get(path))
    for odd in ("/status/x", "/api/v1/none/17", "/%2e%2e", "/api/v1/users/1/2/3", "/reference.html"):
        watched.ask(get(odd))
        watched.ask(get(odd, method="DELETE"))
    watched.ask(get("/api/v1/products", method="DELETE"))
    watched.ask(get("/status", method="OPTIONS"))
    watched.ask("NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n")
    known = {
        "/status",
        "/status.json",
        "/reference",
        "/openapi.json",
        "/papers.css",
        "/api/v1/products",
        "none",
    }
    own_network = {"/livez", "/readyz", "/metrics"}
    until(lambda: routes_told(watched) - own_network == known, failing=lambda: str(routes_told(watched)))


def routes_told(gateway):
    lines = gateway.page("/metrics").body.decode().splitlines()
    counted = [line for line in lines if line.startswith("http_requests_total")]
    return {line.partition('route="')[2].partition('"')[0] for line in counted}
