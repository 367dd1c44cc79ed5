"""The spans of web processes as they run: sent where an endpoint is set, and free where none is."""

import http.client
import json
import statistics
import time

import pytest
import serving

from chassis.testing.otlp import receiving
from chassis.testing.waiting import until

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "request-0001"}
NOT_SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}


@pytest.mark.parametrize("kind", ["gevent", "gthread"])
def test_a_sampled_request_becomes_a_span_of_its_callers_trace(kind, tmp_path):
    with receiving() as receiver:
        with serving.running(tmp_path, web_worker_class=kind, otlp_endpoint=receiver.url) as server:
            assert server.get("/livez", headers=NOT_SAMPLED).status == 200
            assert server.get("/nowhere/4711", headers=SAMPLED).status == 404
            assert server.get("/api/v1/fault", headers=SAMPLED).status == 401
            until(lambda: len(receiver.spans) == 2)
            server.get("/livez", headers=SAMPLED)
        by_name = {span.name: span for span in receiver.spans}
        assert "GET /livez" in by_name, "the last span of a process is sent when it ends"
    refused = by_name["GET /api/v1/fault"]
    assert (refused.service, refused.kind) == ("boxes", "SERVER")
    assert (refused.trace_id, refused.parent_id) == (TRACE, PARENT)
    assert not refused.failed and 0 < refused.seconds < 5
    assert refused.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/fault",
        "http.response.status_code": 401,
        "url.scheme": "http",
        "souk.request_id": "request-0001",
    }
    assert "4711" not in str(by_name["GET"])


def test_without_an_endpoint_nothing_of_opentelemetry_is_in_memory(tmp_path):
    with serving.running(tmp_path) as server:
        assert server.get("/livez", headers=SAMPLED).status == 200
        modules = json.loads(server.get("/modules").body)
    assert "chassis.spans" in modules
    assert not [name for name in modules if name.startswith(("opentelemetry", "google.protobuf"))]


@pytest.mark.parametrize(("kind", "hangs"), [("gevent", True), ("gevent", False), ("gthread", True)])
def test_an_endpoint_in_trouble_delays_nobody(kind, hangs, tmp_path):
    with receiving() as receiver:
        receiver.answering.clear()
        url = receiver.url if hangs else f"http://127.0.0.1:{serving.free_port()}"
        with serving.running(tmp_path, web_worker_class=kind, otlp_endpoint=url) as server:
            plain, traced = seconds_of(server, NOT_SAMPLED), seconds_of(server, SAMPLED)
            assert traced < plain * 5 + 0.01
            began = time.monotonic()
            server.terminate()
            server.process.wait(15)
        assert server.process.returncode == 0 and time.monotonic() - began < 10
        assert "spans are not exported" in server.output.read_text() or hangs


def seconds_of(server, headers):
    """Return what a request takes in the middle, of so many that the first spans are sent meanwhile."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    taken, until_then = [], time.monotonic() + 1.2
    while time.monotonic() < until_then:
        began = time.monotonic()
        connection.request("GET", "/livez", headers=headers)
        connection.getresponse().read()
        taken.append(time.monotonic() - began)
    connection.close()
    return statistics.median(taken)
