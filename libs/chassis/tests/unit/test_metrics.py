import uuid

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from chassis import metrics
from chassis.access import Access
from chassis.testing.waiting import until


def scraped(client):
    text = client.get("/metrics").get_data(as_text=True)
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def count(client, method, route, status):
    labels = sorted({"method": method, "route": route, "status": status}.items())
    return scraped(client).get(("http_requests_total", *labels), 0)


def test_requests_are_counted_by_route_never_by_path(built):
    client, route = built.app.test_client(), "/api/v1/boxes/<uuid:box_id>"
    before = count(client, "GET", route, "404")
    for _ in range(3):
        client.get(f"/api/v1/boxes/{uuid.uuid4()}", headers=built.headers())
    assert count(client, "GET", route, "404") == before + 3
    duration = ("http_request_duration_seconds_count", ("method", "GET"), ("route", route))
    assert scraped(client)[duration] >= 3


def test_no_client_can_make_new_series(built):
    client = built.app.test_client()
    client.open("/a", method="PROPFIND")
    before = len(scraped(client))
    for path in ("/b", "/c", "/api/v1/boxes/7"):
        client.open(path, method=f"M{uuid.uuid4().hex[:6]}".upper())
    assert len(scraped(client)) == before
    assert count(client, "other", "none", "404") >= 4


def samples_of(route):
    return {
        (sample.name, *sorted({**sample.labels, "route": ""}.items())): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.labels.get("route") == route and not sample.name.endswith("_created")
    }


def test_many_at_once_count_as_one_by_one():
    durations = [0.0, 0.0005, 0.001, 0.002, 0.25, 0.3, 10, 11, 600]
    for each in durations:
        metrics.observe("GET", "/one-by-one", 200, each)
    metrics.observe_all("GET", "/all-at-once", 200, durations)
    assert samples_of("/all-at-once") == samples_of("/one-by-one") != {}


def in_flight():
    return REGISTRY.get_sample_value("http_requests_in_flight")


def stream(environ, start_response):
    start_response("200 OK", [])
    return iter([b"piece"])


def test_a_request_is_in_flight_until_its_last_piece_is_sent():
    before = in_flight()
    body = Access(stream, 10)({"REQUEST_METHOD": "GET", "PATH_INFO": "/"}, lambda *_: None)
    until(lambda: in_flight() == before + 1)
    body.close()
    until(lambda: in_flight() == before)


def test_a_request_that_blows_up_is_not_in_flight_for_ever():
    def blow_up(environ, start_response):
        raise ZeroDivisionError

    app = Access(blow_up, 10)
    before, environ = in_flight(), {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            app(environ, lambda *_: None)
    app._app = stream
    body = app(environ, lambda *_: None)
    until(lambda: in_flight() == before + 1)
    body.close()
