"""A stack that speaks TLS: the demo, who is turned away, and new certificates while people look at the catalogue."""

import http.client
import ssl
import threading
from urllib.parse import urlsplit

import pytest
from shop import Client, until
from stacks import given, own


@pytest.fixture(scope="module")
def secured():
    if given():
        pytest.skip("it needs an embedded stack of its own")
    with own("tls", SOUK_TLS="1") as stack:
        yield stack


def port_of(stack, process):
    return urlsplit(stack.processes()[process]["address"]).port


def certificate_of(stack, process, name):
    """Return the certificate that a process shows to the gateway."""
    folder = stack.state / "keys" / "tls" / "gateway"
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    connection = http.client.HTTPConnection("127.0.0.1", port_of(stack, process), timeout=10)
    connection.connect()
    with context.wrap_socket(connection.sock, server_hostname=name) as own_end:
        return own_end.getpeercert()["serialNumber"]


def causes(stack, program):
    return {line["cause"] for line in stack.log_lines(program) if line["message"] == "connection refused"}


def test_a_shopper_notices_nothing(secured):
    demo = secured.script("demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr


@pytest.mark.parametrize("process", ["users", "orders", "payments"])
def test_a_service_answers_nobody_who_speaks_plainly(secured, process):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(secured, process), timeout=10)
    with pytest.raises((OSError, http.client.HTTPException)):
        connection.request("GET", "/livez")
        connection.getresponse()
    until(lambda: "it does not speak TLS 1.3" in causes(secured, process))


def test_the_broker_says_nothing_to_who_has_no_certificate(secured):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(secured, "nats"), timeout=10)
    connection.connect()
    connection.sock.sendall(b"CONNECT {}\r\nPING\r\n")
    assert b"INFO" not in connection.sock.recv(1000)


def test_new_certificates_are_taken_and_no_request_fails(secured):
    shown = {name: certificate_of(secured, name, name) for name in ("users", "orders", "payments")}
    failed, answered, ending = [], [], threading.Event()

    def look():
        anyone = Client(secured.gateway_url)
        while not ending.is_set():
            answer = anyone.get("/api/v1/products?limit=1", headers={"Cache-Control": "no-cache"})
            (answered if answer.status_code == 200 else failed).append(answer.status_code)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    renewed = secured.script("certificates", "renew")
    assert renewed.returncode == 0, renewed.stdout + renewed.stderr
    until(lambda: all(certificate_of(secured, name, name) != number for name, number in shown.items()))
    ending.set()
    looking.join(20)
    assert answered and not failed
