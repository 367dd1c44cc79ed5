"""Traces begin at the gateway: which are kept, and what is told of a request and of its question to a service."""

import json

import pytest
from serving import get, get_new, whole

from chassis.testing.otlp import receiving
from chassis.testing.waiting import until

TRACE, THEIRS = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
EAGER, SHY = (f"traceparent: 00-{TRACE}-{THEIRS}-{flags}" for flags in ("01", "00"))


@pytest.fixture
def receiver():
    with receiving() as it:
        yield it


def traceparent_of(reply):
    return dict(json.loads(reply.body)["fields"])["traceparent"]


def test_a_request_and_its_question_to_a_service_are_two_spans_of_the_clients_trace(
    start_gateway, receiver, services
):
    services["orders"].reset()
    gateway = start_gateway(otlp_endpoint=receiver.url, trace_share=1)
    told = traceparent_of(gateway.ask(get_new(SHY, "X-Request-ID: client-4711")))
    until(lambda: len(receiver.spans) == 2)
    asked, answered = sorted(receiver.spans, key=lambda span: span.kind)
    assert (answered.kind, answered.name) == ("SERVER", "GET /api/v1/products/{sku}")
    assert (asked.kind, asked.name) == ("CLIENT", "GET orders")
    assert answered.trace_id == asked.trace_id == TRACE
    assert answered.parent_id == "", "nobody here has the span of a stranger"
    assert asked.parent_id == answered.span_id
    assert told == f"00-{TRACE}-{asked.span_id}-01"
    assert answered.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/products/{sku}",
        "http.response.status_code": 200,
        "http.response.body.size": answered.attributes["http.response.body.size"],
        "url.scheme": "http",
        "souk.request_id": "client-4711",
        "souk.cache": answered.attributes["souk.cache"],
    }


def test_a_stranger_cannot_have_a_trace_kept(start_gateway, receiver, services):
    services["orders"].reset()
    gateway = start_gateway(otlp_endpoint=receiver.url, trace_share=0)
    assert traceparent_of(gateway.ask(get_new(EAGER))).endswith("-00")
    gateway.stop()
    assert receiver.spans == []


def test_what_is_refused_or_kept_has_one_span_and_what_fails_says_so(start_gateway, receiver, services):
    services["orders"].reset()
    services["orders"].answer = lambda wire, request: wire.send(whole(503))
    gateway = start_gateway(otlp_endpoint=receiver.url, trace_share=1)
    assert gateway.ask(get("/api/v1/orders")).status == 401
    assert gateway.ask(get_new()).status == 503
    assert gateway.ask(get("/nowhere/jane@shopper.example")).status == 404
    until(lambda: len(receiver.spans) == 4)
    by_name = {(span.kind, span.name): span for span in receiver.spans}
    refused = by_name["SERVER", "GET /api/v1/orders"]
    assert (refused.failed, refused.attributes["error.type"]) == (False, "token_missing")
    assert by_name["CLIENT", "GET orders"].failed and by_name["SERVER", "GET /api/v1/products/{sku}"].failed
    assert "jane" not in str(by_name["SERVER", "GET"])


def test_a_share_of_all_requests_is_kept(start_gateway, receiver, services):
    services["orders"].reset()
    gateway = start_gateway(otlp_endpoint=receiver.url, trace_share=0.5)
    flags = [traceparent_of(gateway.ask(get_new()))[-2:] for _ in range(60)]
    assert 10 < flags.count("01") < 50 and set(flags) == {"00", "01"}
