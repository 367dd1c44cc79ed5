"""A process that was told wrong, or misses what it needs: one line, no traceback, and no half service."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from pathlib import Path

import boxes
import pytest
from serving import TESTS, free_port

from chassis.postgres import DatabaseUnavailable
from chassis.settings import ServiceSettings, SettingsError, load
from chassis.testing.waiting import until

WEB = ("gunicorn", "-c", str(TESTS / "processes" / "service_gunicorn.py"), "service:web()")
WORKER = (str(TESTS / "processes" / "service.py"),)
COMMANDS = {"web": ("-m", *WEB), "worker": WORKER}
END_SECONDS = 30


@pytest.fixture
def told(urls, key_files, nats_server) -> dict[str, str]:
    """What a process has to be told to run."""
    return {
        "BIND": f"127.0.0.1:{free_port()}",
        "WORKER_BIND": f"127.0.0.1:{free_port()}",
        "WEB_PROCESSES": "1",
        "SHUTDOWN_DRAIN_SECONDS": "1",
        "DB_URL": urls.runtime,
        "NATS_URL": nats_server.url,
        **key_files,
    }


@contextmanager
def started(kind, told, folder: Path, out=None):
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{TESTS}:{TESTS / 'processes'}", "TMPDIR": str(folder)}
    env |= {f"BOXES_{name}": value for name, value in told.items()}
    with out or (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *COMMANDS[kind]], env=env, stdout=log, stderr=log, cwd=folder
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(END_SECONDS)


def lines(folder):
    return [json.loads(line) for line in (folder / "log").read_text().splitlines()]


def refusals(kind, told, folder):
    """Start a process that must end by itself; return what it complained of, by variable."""
    with started(kind, told, folder) as process:
        assert process.wait(END_SECONDS) == 78, (folder / "log").read_text()
    told_of = [line for line in lines(folder) if line["level"] == "ERROR"]
    assert all("exc_info" not in line for line in told_of)
    return {line["message"].removeprefix("setting refused: "): line["cause"] for line in told_of}


@pytest.mark.parametrize("kind", COMMANDS)
def test_all_that_is_missing_is_told_at_once(tmp_path, kind):
    assert set(refusals(kind, {}, tmp_path)) == {
        "BOXES_TRUST_BUNDLE_FILE",
        "BOXES_SIGNING_KEY_FILE",
        "BOXES_DB_URL",
    }


MALFORMED = {
    "BIND": ["orders", "127.0.0.1:http", "127.0.0.1:70000", "::1:8000"],
    "WORKER_BIND": ["8001", "unix:"],
    "WEB_PROCESSES": ["0", "two"],
    "WEB_WORKER_CLASS": ["sync"],
    "REQUEST_DEADLINE_SECONDS": ["nan", "-1"],
    "LOG_LEVEL": ["loud"],
    "DB_URL": ["mysql//orders", "postgresql://user:p%ass@host/db"],
    "NATS_URL": ["localhost:4222", "http://nats:4222", "nats://"],
    "NATS_REPLICAS": ["0", "6"],
    "TRUST_BUNDLE_FILE": ["/nowhere/bundle.json", "/dev/null", str(Path(__file__))],
    "SIGNING_KEY_FILE": ["/nowhere/key.json", "/dev/null"],
}


def test_all_that_is_malformed_is_told_at_once_and_no_secret(tmp_path, told):
    wrong = {name: values[-1] for name, values in MALFORMED.items() if name != "WEB_WORKER_CLASS"}
    found = refusals("web", told | wrong, tmp_path)
    assert set(found) == {f"BOXES_{name}" for name in wrong}
    assert "p%ass" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in MALFORMED for value in MALFORMED[name]]
)
def test_a_malformed_setting_is_named_with_its_cause(key_files, name, value):
    good = {"DB_URL": "postgresql://a@b/c", **key_files}
    with pytest.raises(SettingsError) as refused:
        load(ServiceSettings, "", good | {name: value})
    [line] = refused.value.lines
    assert line.startswith(f"{name}: ") and len(line) > len(name) + 10


def readiness(address):
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as unready:
        return unready.code
    except OSError:
        return 0


def complaints(folder, check):
    return [each for each in lines(folder) if each.get("check") == check]


CANNOT_BE_REACHED = {
    "web": ("BIND", "DB_URL", "postgresql://nobody@127.0.0.1:9/none", "database", "Connection refused"),
    "worker": ("WORKER_BIND", "NATS_URL", "nats://127.0.0.1:9", "broker", "BrokerUnavailable"),
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_what_it_cannot_reach_leaves_it_unready_with_one_line_that_names_the_variable(tmp_path, told, kind):
    bind, variable, value, check, cause = CANNOT_BE_REACHED[kind]
    with started(kind, told | {variable: value}, tmp_path):
        until(
            lambda: readiness(told[bind]) == 503 and complaints(tmp_path, check),
            30,
            (tmp_path / "log").read_text,
        )
        for _ in range(3):
            until(lambda: readiness(told[bind]) == 503)
    [line] = complaints(tmp_path, check)
    assert (line["setting"], line["level"]) == (f"BOXES_{variable}", "WARNING")
    assert cause in line["cause"]


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_port_that_is_taken_ends_it(tmp_path, told, kind):
    bind = CANNOT_BE_REACHED[kind][0]
    host, _, port = told[bind].rpartition(":")
    with socket.create_server((host, int(port))), started(kind, told, tmp_path) as process:
        assert process.wait(END_SECONDS) in (1, 78)
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert any(told[bind] in json.dumps(line) or port in json.dumps(line) for line in lines(tmp_path))


def test_a_web_process_whose_log_cannot_be_written_serves_on(tmp_path, told):
    with started("web", told, tmp_path, out=open("/dev/full", "wb")) as process:
        until(lambda: readiness(told["BIND"]) == 200, 30)
        assert process.poll() is None


def test_a_full_disk_of_the_database_is_a_refusal_and_a_line(urls, database, caplog):
    with boxes.as_superuser(urls.runtime) as conn:
        conn.execute(
            """
            CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
            END $$;
            CREATE TRIGGER full_disk BEFORE INSERT ON boxes EXECUTE FUNCTION disk_is_full()
            """
        )
    try:
        with pytest.raises(DatabaseUnavailable), database.transaction() as tx:
            tx.move(uuid.uuid4())
    finally:
        with boxes.as_superuser(urls.runtime) as conn:
            conn.execute("DROP TRIGGER full_disk ON boxes; DROP FUNCTION disk_is_full()")
    assert "the disk of the database is full: could not extend file: No space left on device" in caplog.text
