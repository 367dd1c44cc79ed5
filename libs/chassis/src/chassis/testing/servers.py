"""Real PostgreSQL and NATS servers for tests: in short temporary folders, killed and removed at the end."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from chassis import embedded
from chassis.testing.waiting import until

# Nothing in a test outlives the machine, so nothing needs to reach the disk.
_PARAMETERS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "deadlock_timeout": "50ms",
}


class Server:
    """A server process of a test that can be stopped, killed and started again on the same files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._argv(), stdout=log, stderr=log, cwd=self.folder)
        until(self._answers, timeout_seconds=20, failing=self._log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, in an orderly way if not told otherwise (SIGINT: PostgreSQL's fast shutdown); kill it
        after 5 s."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop the server and its child processes in their tracks (SIGSTOP)."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with suppress(ProcessLookupError):  # a session that has just ended
                os.kill(each, number)

    def _argv(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


class PostgresServer(Server):
    """PostgreSQL on a unix socket; `url(database, user)` gives a database's address."""

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return embedded.postgres_url(self.folder, database, user)

    def execute(self, *statements: str) -> None:
        """Execute statements as the superuser, each on its own."""
        with psycopg.connect(self.url(), autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)

    def _argv(self) -> list[str]:
        data = self.folder / "data"
        if not data.exists():
            embedded.initdb(data)
        return embedded.postgres_argv(data, self.folder, **_PARAMETERS)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"PostgreSQL did not start: {self._log()}")
        try:
            psycopg.connect(self.url(), connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True


class NatsServer(Server):
    """NATS with JetStream; `url` is its address, the same after a restart."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = -1

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    def _argv(self) -> list[str]:
        return embedded.nats_argv(self.folder / "store", self._port, self.folder)

    def _answers(self) -> bool:
        assert self._process is not None
        ports = self.folder / f"nats-server_{self._process.pid}.ports"
        if self._process.poll() is not None:
            raise AssertionError(f"NATS did not start: {self._log()}")
        if not ports.exists() or not (told := ports.read_text()):
            return False
        self._port = int(json.loads(told)["nats"][0].rpartition(":")[2])
        return True


@contextmanager
def running(kind: type[PostgresServer] | type[NatsServer]) -> Iterator[PostgresServer | NatsServer]:
    """Run a server for a block, in a folder of its own that is removed afterwards."""
    # /tmp and not TMPDIR: a unix socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="souk-", dir="/tmp"))
    server = kind(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # at once, with nothing written any more
        shutil.rmtree(folder, ignore_errors=True)
