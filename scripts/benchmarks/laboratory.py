"""The laboratory: an embedded stack of its own in its default configuration, and single services beside it."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.environment import peers_python
from benchmarks.programs import free_port, running
from benchmarks.shopper import Shopper
from benchmarks.spent import Meter
from benchmarks.wrk import Measured
from stack import databases, settings
from stack.places import Places
from stack.processes import Supervisor
from stack.up import recorded_ports

# What every gateway of a run is told beyond its defaults: one client here stands for thousands, and is counted.
GATEWAY_TOLD: Mapping[str, str] = {
    "GATEWAY_RATE_EXEMPT": "",
    "GATEWAY_RATE_PER_ADDRESS": "100000000/minute",
    "GATEWAY_RATE_PER_USER": "100000000/minute",
}
QUIET_WITHIN_SECONDS, LOOK_SECONDS, QUIET_SHARE = 30, 0.5, 0.1
PRODUCTS = 100
ADD_PRODUCTS = """
    INSERT INTO products (id, sku, name, description, category, price, currency, stock, updated_at)
    SELECT uuidv7(), 'BENCH-' || lpad(n::text, 3, '0'), 'Product ' || n, '', 'Bench', 1000 + n, 'EUR', 1000000000, now()
    FROM generate_series(1, {products}) AS n
"""
SIGN = """
import sys
from pathlib import Path
from chassis.assertions import Signer
print(Signer.load(Path(sys.argv[1]), "gateway").sign("orders", sys.argv[2]))
"""


@dataclass(frozen=True)
class Laboratory:
    """A running stack, and where what belongs to this run is kept."""

    places: Places
    ports: Mapping[str, int]
    folder: Path
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def gateway_url(self) -> str:
        return settings.local(self.ports["gateway"])

    @property
    def orders_url(self) -> str:
        return settings.local(self.ports["orders"])

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def peers(self) -> Path:
        """Return the folder of the programs of the peers' environment."""
        return peers_python(self.places).parent

    def shopper(self) -> Shopper:
        """Return a new shopper who is signed in."""
        return Shopper.registered(self.gateway_url)

    def assertion(self, user_id: str) -> str:
        """Return what the gateway would tell the orders service of a user, good for a minute."""
        key = self.places.keys / "gateway.jwk"
        command = [self.places.python("gateway"), "-c", SIGN, key, user_id]
        return subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout.strip()

    def vouched(self, user_id: str) -> dict[str, str]:
        """Return the header a service believes, good for a minute."""
        return {"Authorization": f"Bearer {self.assertion(user_id)}"}

    def sql(self, database: str, *statements: str) -> None:
        """Run statements as the database's superuser."""
        ran = databases.psql(self.places, *([f"\\connect {database}", *statements]))
        if ran.returncode:
            raise RuntimeError(f"the database refused: {ran.stderr}")

    def tell(self, name: str, service: str, told: Mapping[str, str]) -> Path:
        """Write the settings of a service as the stack has them, but for some variables."""
        file = self.places.settings_of(f"bench-{name}")
        file.write_text(self.places.settings_of(service).read_text() + settings.as_shell(told))
        return file

    @contextlib.contextmanager
    def web(self, service: str, told: Mapping[str, str]) -> Iterator[str]:
        """Run one more set of a service's web processes as the stack does, but for some settings; gives its
        address.

        Raises NotStarted.
        """
        port, prefix = free_port(), f"{service.upper()}_"
        told = {f"{prefix}BIND": f"127.0.0.1:{port}"} | dict(told)
        with_env = self.places.root / "scripts" / "with-env"
        command = [
            with_env,
            self.tell(service, service, told),
            ".venv/bin/gunicorn",
            "-c",
            "gunicorn.conf.py",
        ]
        place = self.places.root / service
        with running([*command, f"{service}.wsgi:app"], port, self.logs / f"{service}.log", place):
            yield settings.local(port)

    def meter(self) -> Meter:
        return Meter(self.places)

    def note(self, part: str, contender: str, turn: Measured, cpu_us: Mapping[str, int]) -> None:
        """Keep what a turn was for the report."""
        figures = {"rate": round(turn.rate), "p50_ms": turn.p50, "p99_ms": turn.p99, "cpu_us": dict(cpu_us)}
        self.turns.append({"part": part, "contender": contender} | figures)

    def until_quiet(self) -> None:
        """Wait until the workers have taken what the turn before left them, but not for ever."""
        deadline = time.monotonic() + QUIET_WITHIN_SECONDS
        listed = Supervisor(self.places).processes()
        busy = [
            psutil.Process(one.pid) for one in listed if one.name.endswith("-worker") or one.name == "nats"
        ]
        while time.monotonic() < deadline:
            before = [sum(each.cpu_times()[:2]) for each in busy]
            time.sleep(LOOK_SECONDS)
            used = (sum(each.cpu_times()[:2]) - old for each, old in zip(busy, before, strict=True))
            if max(used) < QUIET_SHARE * LOOK_SECONDS:
                return

    @contextlib.contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Let the workers stand still, so that what clients cause is taken later."""
        workers = [one for one in Supervisor(self.places).processes() if one.name.endswith("-worker")]
        try:
            for worker in workers:
                os.kill(worker.pid, signal.SIGSTOP)
            yield
        finally:
            for worker in workers:
                os.kill(worker.pid, signal.SIGCONT)

    def setting(self, program: str, variable: str) -> str:
        """Return a variable of a program of the stack."""
        lines = self.places.settings_of(program).read_text().splitlines()
        return dict(shlex.split(line)[0].split("=", 1) for line in lines)[variable]


@contextlib.contextmanager
def laboratory() -> Iterator[Laboratory]:
    """Start a stack of its own on free ports, and leave nothing of it but this run's logs."""
    root = Places.of({}).root
    folder = root / ".run" / "bench"
    places = Places.of({"SOUK_STATE": str(folder / f"stack-{os.getpid()}")})
    try:
        run_script(places, "up")
        if GATEWAY_TOLD:
            tell_gateway(places)
        lab = Laboratory(places, recorded_ports(places), folder)
        lab.sql("orders", ADD_PRODUCTS.format(products=PRODUCTS))
        yield lab
    finally:
        run_script(places, "down")
        shutil.rmtree(places.state, ignore_errors=True)


def tell_gateway(places: Places) -> None:
    """Start the stack's gateway again, with what all gateways of a run are told."""
    with places.settings_of("gateway").open("a") as file:
        file.write(settings.as_shell(GATEWAY_TOLD))
    control = places.root / "scripts" / ".venv" / "bin" / "supervisorctl"
    command = [control, "-s", f"unix://{places.sockets}/supervisor.sock", "stop", "edge:gateway"]
    subprocess.run(command, check=True, capture_output=True)
    run_script(places, "up")  # it starts what does not run, and waits for it


def run_script(places: Places, name: str) -> None:
    """Run a script of the tree on this stack. Raises RuntimeError with what it said."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SECONDS")}
    told = {"SOUK_STATE": str(places.state), "GATEWAY_PORT": "0"}
    command = [str(places.root / "scripts" / name)]
    ran = subprocess.run(command, env=inherited | told, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"scripts/{name} failed: {ran.stdout}{ran.stderr}")
