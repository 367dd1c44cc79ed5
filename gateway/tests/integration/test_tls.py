"""TLS to the services: whose answers are believed, what is said where they are not, and new certificates meanwhile."""

import json
import ssl
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from serving import Gateway, Service, get, get_new, post, whole

from chassis.authority import Authority
from chassis.clock import utc_now
from chassis.testing.waiting import until

NAMES = ("users", "orders", "payments")
FILES = {"certificate": "tls.crt", "key": "tls.key", "authority": "ca.crt"}


def end_of(authority, folder, name, *, believes=None, **options):
    """Return the context of a service that has a certificate and asks for one."""
    authority.issue(folder / name, [name], **options)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=(believes or authority).pem.decode())
    made.load_cert_chain(folder / name / "tls.crt", folder / name / "tls.key")
    return made


@pytest.fixture(scope="module")
def authority():
    return Authority.make()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("secured")


@pytest.fixture(scope="module")
def services(authority, folder):
    running = {name: Service(tls=end_of(authority, folder, name)) for name in NAMES}
    yield running
    for service in running.values():
        service.stop()


@pytest.fixture(scope="module")
def secured(authority, folder, services, issuer):
    services["users"].answer = lambda wire, request: wire.send(whole(body=issuer.jwks()))
    authority.issue(folder / "gateway", ["gateway"])
    told = {f"tls_{kind}_file": folder / "gateway" / name for kind, name in FILES.items()}
    gateway = Gateway(folder, services, check_interval_seconds=0.2, cache_bytes=0, **told)
    until(lambda: gateway.ask(get("/api/v1/orders", f"Authorization: {issuer.bearer()}")).status == 200)
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(secured, orders):
    orders.reset()
    until(lambda: secured.ask(get_new()).status == 200)
    orders.requests.clear()
    return secured


@contextmanager
def instead(service, context):
    """Have a service open its connections with another context, or none."""
    before, service.tls = service.tls, context
    service.reset()
    try:
        yield
    finally:
        service.tls = before
        service.reset()


def refused(gateway):
    return [line["cause"] for line in gateway.lines() if line["message"] == "no TLS with instance"]


def test_the_gateway_shows_its_certificate_and_keeps_the_connection(gateway, orders):
    seen = []

    def answer(wire, request):
        seen.append((wire, wire.sock.getpeercert()["subjectAltName"], wire.sock.version()))
        wire.send(whole())

    orders.answer = answer
    assert [gateway.ask(get_new()).status for _ in range(5)] == [200] * 5
    assert {(names, version) for _, names, version in seen} == {((("DNS", "gateway"),), "TLSv1.3")}
    assert len({id(wire) for wire, _, _ in seen}) == 1


def test_bodies_of_many_records_pass_in_both_directions(gateway, orders, issuer):
    def echo_size(wire, request):
        size = sum(map(len, wire.body_of(request)))
        wire.send(whole(body=b"b" * 300_000, fields=f"X-Size: {size}\r\n"))

    orders.answer = echo_size
    body = json.dumps({"a": "x" * 60_000})
    reply = gateway.ask(
        post("/api/v1/orders", body, f"Authorization: {issuer.bearer()}", "Idempotency-Key: k-1")
    )
    assert (reply.status, len(reply.body)) == (200, 300_000)


def test_what_a_service_sends_behind_its_answer_reaches_nobody(gateway, orders):
    orders.answer = lambda wire, request: wire.send(whole(body=b"one") + whole(body=b"two"))
    assert [gateway.ask(get_new()).body for _ in range(4)] == [b"one"] * 4


def test_a_connection_that_a_service_ended_is_not_used_for_a_post(gateway, orders, issuer):
    for _ in range(5):
        orders.reset()
        orders.answer = lambda wire, request: (wire.send(whole()), wire.sock.unwrap(), wire.close())
        request = post("/api/v1/payments", "{}", f"Authorization: {issuer.bearer()}", "Idempotency-Key: k-2")
        assert gateway.ask(get_new()).status == 200
        assert gateway.ask(request).status == 200


@pytest.mark.parametrize(
    ("context", "said"),
    [
        (lambda ours, folder: None, ""),
        (
            lambda ours, folder: end_of(Authority.make(), folder, "orders", believes=ours),
            "GATEWAY_TLS_AUTHORITY_FILE",
        ),
        (lambda ours, folder: end_of(ours, folder, "payments"), "Hostname mismatch"),
        (
            lambda ours, folder: end_of(ours, folder, "orders", days=1, begins=utc_now() - timedelta(days=9)),
            "certificate has expired",
        ),
        (
            lambda ours, folder: end_of(ours, folder, "orders", believes=Authority.make()),
            "it refuses our certificate: unknown ca (GATEWAY_TLS_CERTIFICATE_FILE)",
        ),
    ],
    ids=["plain", "of another authority", "of another name", "expired", "distrustful"],
)
def test_a_service_without_the_right_certificate_is_not_asked(
    gateway, orders, authority, tmp_path, context, said
):
    with instead(orders, context(authority, tmp_path)):

        def refusal():  # a connection from before may have been on its way
            orders.emptied()
            reply = gateway.ask(get_new())
            return reply if reply.status != 200 else None

        reply = until(refusal)
        assert (reply.status, reply.problem["code"]) == (503, "upstream_unavailable")
        orders.requests.clear()
        until(lambda: not said or any(said in cause for cause in refused(gateway)))
        assert not [each for each in orders.requests if each.line[0] == "GET"]


def test_a_new_certificate_is_shown_under_traffic_and_no_request_fails(gateway, orders, authority, folder):
    shown, failed, ending = set(), [], threading.Event()

    def answer(wire, request):
        shown.add(wire.sock.getpeercert()["serialNumber"])
        wire.send(whole(fields="Connection: close\r\n"))
        wire.close()

    def ask():
        while not ending.is_set():
            if (reply := gateway.ask(get_new())).status != 200:
                failed.append(reply)

    orders.answer = answer
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    until(lambda: len(shown) == 1)
    authority.issue(folder / "gateway", ["gateway"])
    until(lambda: len(shown) > 1, 20)
    ending.set()
    asking.join(10)
    assert not failed
