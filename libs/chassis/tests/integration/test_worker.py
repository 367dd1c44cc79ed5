"""A worker as a process: it outlives the broker, tells its state, and ends when it is asked to."""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from shelves import noted

WORKER = Path(__file__).parent.parent / "processes" / "worker.py"


class RunningWorker:
    def __init__(self, database_url: str, broker_url: str, log: Path, *more: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, WORKER, database_url, broker_url, self.address, *more],
                stdout=out,
                stderr=out,
            )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> bool:
        return self.get("/readyz")[0] == 200


@pytest.fixture
def worker(urls, own_nats, tmp_path) -> Iterator[RunningWorker]:
    running = RunningWorker(urls.runtime, own_nats.url, tmp_path / "log")
    yield running
    running.process.kill()
    running.process.wait()


def test_a_worker_moves_events_and_tells_its_state(worker, database, until):
    until(worker.ready, 15)
    with database.transaction() as tx:
        tx.move(uuid.uuid4())
    until(lambda: noted(database) == [1])
    assert worker.get("/livez") == (200, '{"status":"alive"}')
    assert worker.get("/readyz")[1] == (
        '{"status":"ready","release":"dev","checks":{"database":"ok","broker":"ok"}}'
    )
    assert 'outbox_published_events_total{type="box.moved"} 1.0' in worker.get("/metrics")[1]
    assert worker.get("/elsewhere")[0] == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_well_when_asked_to(worker, until, number):
    until(worker.ready, 15)
    worker.process.send_signal(number)
    assert worker.process.wait(10) == 0


def test_a_worker_outlives_the_broker(worker, own_nats, database, until):
    until(worker.ready, 15)
    own_nats.kill()
    until(lambda: worker.get("/readyz")[0] == 503, 15)
    assert '"broker":"failing"' in worker.get("/readyz")[1]
    assert worker.get("/livez")[0] == 200
    with database.transaction() as tx:
        tx.move(uuid.uuid4())
    own_nats.start()
    until(worker.ready, 15)
    until(lambda: noted(database) == [1], 15)


def test_a_worker_ends_well_without_a_broker(worker, own_nats, until):
    until(worker.ready, 15)
    own_nats.stop()
    worker.process.terminate()
    assert worker.process.wait(10) == 0


def test_a_worker_ends_in_time_although_a_task_does_not(urls, own_nats, tmp_path, until):
    worker = RunningWorker(urls.runtime, own_nats.url, tmp_path / "log", "stuck")
    until(worker.ready, 15)
    worker.process.terminate()
    assert worker.process.wait(10) == 0
    assert '"drained":false' in worker.log.read_text()


def test_periodic_work_that_fails_is_logged_and_called_again(worker, until):
    until(lambda: worker.log.read_text().count("periodic work failed") > 1, 15)
    assert worker.process.poll() is None
