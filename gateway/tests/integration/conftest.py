"""One gateway for all tests that need no other, before three services."""

import pytest
from serving import Gateway, Service, get, whole

from chassis.testing.waiting import until


@pytest.fixture(scope="session")
def services():
    running = {name: Service() for name in ("users", "orders", "payments")}
    yield running
    for service in running.values():
        service.stop()


@pytest.fixture(scope="session")
def gateway_process(tmp_path_factory, services, issuer):
    for service in services.values():
        service.reset()  # from the tests that needed a gateway of their own, where they came first
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    gateway = Gateway(
        tmp_path_factory.mktemp("gateway"),
        services,
        header_timeout_seconds=1,
        body_timeout_seconds=1,
        write_timeout_seconds=1,
        idle_timeout_seconds=2,
        request_deadline_seconds=1,
        jwks_cooldown_seconds=0.1,
    )
    # Before the first test closes its connections it has the keys.
    until(lambda: gateway.ask(get("/api/v1/orders", f"Authorization: {issuer.bearer()}")).status == 200)
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(gateway_process, services, issuer):
    """The gateway, before services that do as they are told by default: users serves keys, the others echo."""
    for service in services.values():
        service.reset()
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    return gateway_process


@pytest.fixture
def orders(services):
    return services["orders"]


@pytest.fixture
def users(services):
    return services["users"]


@pytest.fixture
def payments(services):
    return services["payments"]


@pytest.fixture
def start_gateway(tmp_path, services):
    """Start further gateways with settings of their own."""
    started = []

    def start(**settings):
        started.append(Gateway(tmp_path, services, **settings))
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()
