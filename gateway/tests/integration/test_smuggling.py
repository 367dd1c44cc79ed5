"""The canary: whatever a first request looks like, no service sees a second one that hides in it."""

import json

import pytest
from serving import get
from smuggling import PUBLIC, REFUSED, SERVED
from witness import gateway_before, mark

QUICK = {"header_timeout_seconds": 1, "body_timeout_seconds": 1}


@pytest.fixture(scope="module")
def chain(tmp_path_factory, issuer):
    with gateway_before(tmp_path_factory.mktemp("chain"), issuer, **QUICK) as both:
        yield both


def refused(gateway, raw):
    wire = gateway.connect().send(raw)
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
