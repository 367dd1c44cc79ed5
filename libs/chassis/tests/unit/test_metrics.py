import uuid

from prometheus_client.parser import text_string_to_metric_families

from chassis import metrics


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
    duration = ("http_request_seconds_count", ("method", "GET"), ("route", route))
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
