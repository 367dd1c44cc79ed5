"""How the services are, of what all processes see."""

import json
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from gateway.paper import Papers
from gateway.status.observing import Observer
from gateway.status.reports import Reports
from gateway.status.view import own_view, public_view
from gateway.upstream import record

NOW = 1_763_632_800.0  # 2025-11-20 10:00:00 UTC


def instance(state="in use", version="r1", address="10.0.0.1:8000"):
    breaker = SimpleNamespace(state="closed" if state in ("in use", "unready") else state)
    return SimpleNamespace(
        authority=address,
        breaker=breaker,
        ready=state != "unready",
        version=version,
        in_flight=3,
        answered=70,
    )


def report(*states, pid=1, since=NOW, version="r1"):
    service = SimpleNamespace(instances=[instance(state, version) for state in states])
    seen = Observer({"orders": service}, release="g1", now=lambda: since).report()
    return {**seen, "pid": pid}


def state(*reports):
    return public_view(reports, release="g1")["services"][0]["state"]


def test_what_an_instance_has_in_hand_is_a_metric():
    service = SimpleNamespace(instances=[instance(address="10.0.0.9:8000")])
    Observer({"orders": service}, release="g1", now=lambda: NOW).report()
    labels = {"service": "orders", "instance": "10.0.0.9:8000"}
    assert REGISTRY.get_sample_value("upstream_requests_in_flight", labels) == 3
    record.state_of("orders", "10.0.0.9:8000", "gone")
    assert REGISTRY.get_sample_value("upstream_requests_in_flight", labels) == 0


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["in use", "in use"], "up"),
        (["in use", "open"], "degraded"),
        (["in use", "unready"], "degraded"),
        (["unready"], "down"),
        (["open", "half-open"], "down"),
        ([], "down"),
    ],
)
def test_a_service_is_what_its_instances_are(states, expected):
    assert state(report(*states)) == expected


def test_processes_that_do_not_agree_mean_trouble():
    assert state(report("in use"), report("open", pid=2)) == "degraded"


def test_since_when_is_that_of_the_change_and_not_of_a_process_that_came_later():
    clock = iter(range(100))
    service = SimpleNamespace(instances=[instance()])
    observer = Observer({"orders": service}, release="g1", now=lambda: NOW + next(clock))
    first = observer.report()["services"]["orders"]["since"]
    assert observer.report()["services"]["orders"]["since"] == first
    service.instances = [instance("open")]
    assert observer.report()["services"]["orders"]["since"] > first
    late, early = report("in use", since=NOW + 60), report("in use", pid=2)
    assert public_view([late, early], release="g1")["services"][0]["since"] == "2025-11-20T10:00:00Z"


def test_the_whole_is_up_only_if_every_service_is():
    other = SimpleNamespace(instances=[])
    both = Observer(
        {"orders": SimpleNamespace(instances=[instance()]), "users": other}, release="g1"
    ).report()
    assert public_view([both], release="g1")["state"] == "degraded"
    assert public_view([report("open")], release="g1")["state"] == "down"
    assert public_view([report("in use")], release="g1")["state"] == "up"


def test_the_public_is_not_told_addresses_breakers_or_load():
    seen = report("in use", "open")
    view = public_view([seen], release="g1")
    assert view["services"] == [
        {"name": "orders", "state": "degraded", "since": "2025-11-20T10:00:00Z", "releases": ["r1"]}
    ]
    html = Papers().render("status.html", view=view, own=False).decode()
    for secret in ("10.0.0.1", "breaker", "in_flight", "70", "closed"):
        assert secret not in json.dumps(view) and secret not in html


def test_the_own_page_has_each_instance_as_each_process_sees_it():
    view = own_view([report("in use", "open"), report("in use", "in use", pid=77)], release="g1")
    html = Papers().render("status.html", view=view, own=True).decode()
    assert html.count("10.0.0.1:8000") == 4 and "Process 77" in html and "<td>open</td>" in html


def test_all_releases_that_run_are_told_and_none_of_what_is_down():
    both = [report("in use", version="r1"), report("in use", version="r2", pid=2)]
    assert public_view(both, release="g1")["services"][0]["releases"] == ["r1", "r2"]
    assert public_view([report("open")], release="g1")["services"][0]["releases"] == []


def test_nothing_is_known_before_the_first_report():
    view = public_view([], release="g1")
    assert (view["state"], view["services"]) == ("up", [])
    assert b"Nothing is known yet" in Papers().render("status.html", view=view, own=False)


def test_what_a_release_is_called_cannot_run():
    view = own_view([report("in use", version="<script>")], release="<img>")
    assert b"<script" not in Papers().render("status.html", view=view, own=True)


def test_reports_are_read_until_they_are_stale(tmp_path):
    now = NOW
    reports = Reports(tmp_path, stale_seconds=10, now=lambda: now)
    first, second = report("in use", pid=1), report("in use", pid=2, since=NOW + 9)
    reports.write(first)
    reports.write(second)
    assert [each["pid"] for each in reports.read()] == [1, 2]
    now += 11
    assert [each["pid"] for each in reports.read()] == [2]
    assert [file.name for file in tmp_path.iterdir()] == ["status-2.json"]


def test_without_a_folder_there_are_no_reports():
    reports = Reports.beside_metrics({}, stale_seconds=10)
    reports.write(report("in use"))
    assert reports.read() == []
