import threading
import time

import pytest
from flask import Flask

from chassis import health
from chassis.health import Readiness


def fail():
    raise ConnectionError("no database")


@pytest.fixture
def client(built):
    return built.app.test_client()


def test_a_process_that_answers_is_alive(client):
    assert client.get("/livez").status_code == 200


def test_it_is_ready_when_every_check_passes(built, client):
    health.of(built.app).register("database", lambda: None)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "ready", "release": "dev", "checks": {"database": "ok"}},
    )


def test_it_is_unready_when_one_check_fails_and_says_which(built, client, log_lines):
    health.of(built.app).register("database", fail)
    health.of(built.app).register("schema", lambda: None)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {
        "status": "unready",
        "release": "dev",
        "checks": {"database": "failing", "schema": "ok"},
    }
    warning = next(line for line in log_lines() if line["level"] == "WARNING")
    assert (warning["check"], warning["cause"]) == ("database", "ConnectionError: no database")
    assert client.get("/livez").status_code == 200


def test_it_is_unready_while_it_drains(built, client):
    health.of(built.app).drain()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["checks"]["draining"]) == (503, "failing")
    assert client.get("/livez").status_code == 200


def test_a_check_that_hangs_is_failing_and_not_started_again():
    release, begun = threading.Event(), []

    def hang():
        begun.append(1)
        release.wait(5)

    readiness = Readiness(check_seconds=0.02, keep_seconds=0)
    readiness.register("database", hang)
    began = time.monotonic()
    assert readiness.report() == readiness.report() == (False, {"database": "failing"})
    assert time.monotonic() - began < 1
    assert len(begun) == 1
    release.set()


def test_a_result_is_kept_for_a_moment():
    asked = []
    readiness = Readiness(keep_seconds=60)
    readiness.register("database", lambda: asked.append(1))
    assert readiness.report() == readiness.report()
    assert len(asked) == 1


def test_without_checks_a_process_is_ready():
    app = Flask("boxes")
    health.init_app(app, Readiness())
    assert app.test_client().get("/readyz").json == {
        "status": "ready",
        "release": "dev",
        "checks": {},
    }


def test_it_tells_which_release_runs():
    app = Flask("boxes")
    health.init_app(app, Readiness(release="r7"))
    assert app.test_client().get("/readyz").json["release"] == "r7"
