"""The canary: whatever a first request looks like, no service sees a second one that hides in it."""

import json

import pytest
from serving import get
from smuggling import HOST, PUBLIC, REFUSED, SERVED
from witness import gateway_before, mark

QUICK = {"header_timeout_seconds": 1, "body_timeout_seconds": 1}


@pytest.fixture(scope="module")
def chain(tmp_path_factory, issuer):
    with gateway_before(tmp_path_factory.mktemp("chain"), issuer, **QUICK) as both:
        yield both


def refused(gateway, raw, wire=None):
    wire = (wire or gateway.connect()).send(raw)
    reply = wire.message()
    assert 400 <= reply.status <= 505 and reply["connection"] == "close" and wire.ended()
    wire.close()


def served(gateway, raw, body):
    """Send a request and another behind it; return how many of the two were served."""
    wire = gateway.connect().send(raw + get(f"{PUBLIC}?next"))
    first, second = wire.message(), wire.message()
    wire.close()
    assert json.loads(first.body)["body"] == body
    if second is None:
        assert first["connection"] == "close"
        return 1
    assert json.loads(second.body)["target"] == f"{PUBLIC}?next"
    return 2


@pytest.mark.parametrize("name", REFUSED)
def test_no_service_sees_a_request_that_hides_in_another(chain, name):
    gateway, witness = chain
    refused(gateway, REFUSED[name])
    assert mark(gateway, witness) == []


@pytest.mark.parametrize("name", REFUSED)
def test_nor_behind_one_with_the_same_header_lines(chain, name):
    gateway, witness = chain
    raw = REFUSED[name]
    lines = raw.lstrip("\r\n").partition("\r\n")[2].partition("\r\n\r\n")[0]
    wire = gateway.connect().send(f"GET {PUBLIC}?twin HTTP/1.1\r\n{lines}\r\n\r\n")
    twin = wire.head()
    if twin is None or twin.status != 200 or ("connection", "close") in twin.fields:
        lines = HOST.strip()  # the header alone is bad, or frames a body
        wire = gateway.connect().send(f"GET {PUBLIC}?twin HTTP/1.1\r\n{lines}\r\n\r\n")
        twin = wire.head()
    assert twin.status == 200 and b"".join(wire.body_of(twin))
    refused(gateway, raw, wire)
    assert [each["target"] for each in mark(gateway, witness)] == [f"{PUBLIC}?twin"]


@pytest.mark.parametrize("name", SERVED)
def test_what_is_served_is_one_request_and_the_next_is_the_next(chain, name):
    gateway, witness = chain
    raw, body = SERVED[name]
    count = served(gateway, raw, body)
    assert [each["body"] for each in mark(gateway, witness)] == [body, ""][:count]


def test_it_is_the_same_before_a_worker_of_gunicorns_own(tmp_path, issuer):
    with gateway_before(tmp_path, issuer, worker="gthread", **QUICK) as (gateway, witness):
        for raw in REFUSED.values():
            refused(gateway, raw)
        assert mark(gateway, witness) == []
        count = sum(served(gateway, raw, body) for raw, body in SERVED.values())
        assert len(mark(gateway, witness)) == count
