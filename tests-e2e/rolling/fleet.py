"""The fleet: all instances of a stack that rolls, who is listed for the gateway, and what a deploy does to them."""

import json
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

from faults.laboratory import Laboratory

from rolling.address import Address
from rolling.instances import Instance, free_port, variables
from rolling.releases import SERVICES, Release

GATEWAY = "gateway"
PROGRAMS = (*SERVICES, *(f"{service}-worker" for service in SERVICES), GATEWAY)
# The gateway reads the list of instances twice a second: after this it has surely read it.
NOTICE_SECONDS = 2.0
# One machine does all of it, and whatever else it has to do: who is slow is not away.
PATIENT = {
    "REQUEST_DEADLINE_SECONDS": "60",
    "DB_STATEMENT_TIMEOUT_SECONDS": "30",
    "DB_POOL_TIMEOUT_SECONDS": "20",
}


class Fleet:
    """Starts, stops and lists instances; `linger_seconds` is how long one that stops serves on, unready.

    The gateway follows the list. What payments asks of orders goes to one address that stays, as that of a Service in
    Kubernetes, and from there to an instance that is listed and does not stop."""

    def __init__(self, lab: Laboratory, linger_seconds: float) -> None:
        self.lab = lab
        self._linger_seconds = linger_seconds
        self.port = free_port()
        self.gateway_url = f"http://127.0.0.1:{self.port}"
        self._orders = Address(free_port(), lab.state / "orders-port")
        self._list = lab.state / "instances.json"
        self._listed: dict[str, list[str]] = {service: [] for service in SERVICES}
        self._instances: dict[str, list[Instance]] = {program: [] for program in PROGRAMS}
        self._away: set[Instance] = set()  # those that stop, and are listed still
        self._numbers = count(1)
        self._turn = threading.Lock()
        self._quiet = threading.Event()
        self._write()

    def __getitem__(self, program: str) -> list[Instance]:
        """Return the instances of a program that run."""
        return list(self._instances[program])

    def launch(self, releases: Sequence[Release], instances: int) -> None:
        """Start instances of every program at the first release: the gateway last, as it asks the others."""
        first = releases[0]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda program: self.add(program, first), PROGRAMS[:-1]))
            list(pool.map(lambda program: self.add(program, first), SERVICES * (instances - 1)))
        self.add(GATEWAY, gateways_of(releases)[0])

    def add(self, program: str, release: Release) -> Instance:
        """Start an instance, and list it once it is ready."""
        port = free_port()
        settings = self._settings(program, release, port)
        instance = Instance(self.lab.state, program, release, settings, port, next(self._numbers))
        self._instances[program].append(instance)
        instance.start()
        self._enlist(instance)
        return instance

    def remove(self, instance: Instance) -> None:
        """List an instance no more, wait until that is known, and stop it."""
        self._strike(instance)
        self._quiet.wait(NOTICE_SECONDS if instance.program in SERVICES else 0)
        instance.stop()
        self._instances[instance.program].remove(instance)

    def restart(self, instance: Instance) -> None:
        """Stop an instance that stays listed, and start it again at its address: the gateway has to find out."""
        self._away.add(instance)
        self._face_orders()
        instance.stop()
        instance.start()
        self._away.remove(instance)
        self._face_orders()

    def replace(self, instance: Instance, release: Release) -> Instance:
        """Start another instance beside one, then stop that."""
        new = self.add(instance.program, release)
        self.remove(instance)
        return new

    def end(self) -> None:
        """Leave nothing running."""
        for instances in self._instances.values():
            for each in instances:
                each.end()
        self._orders.end()

    def _settings(self, program: str, release: Release, port: int) -> dict[str, str]:
        service = program.removesuffix("-worker")
        prefix = service.upper()
        address = f"127.0.0.1:{port}"
        own = {f"{prefix}_{name}": value for name, value in PATIENT.items()}
        own |= {f"{prefix}_WEB_PROCESSES": "1", f"{prefix}_RELEASE": release.name}
        if program == GATEWAY:
            own |= {f"GATEWAY_{each.upper()}_URL": f"file://{self._list}" for each in SERVICES}
            own |= {"GATEWAY_BIND": f"127.0.0.1:{self.port}", "GATEWAY_ADMIN_BIND": address}
            own |= {"GATEWAY_SHARE_PORT": "true", "GATEWAY_SHUTDOWN_LINGER_SECONDS": "2"}
            own |= {"GATEWAY_CHECK_TIMEOUT_SECONDS": "5", "GATEWAY_UPSTREAM_CONNECT_TIMEOUT_SECONDS": "5"}
        else:
            own[f"{prefix}_{'WORKER_' if program != service else ''}BIND"] = address
            own[f"{prefix}_SHUTDOWN_LINGER_SECONDS"] = str(self._linger_seconds)
        if service == "orders":  # what expires while the books are compared is half there
            own["ORDERS_PAYMENT_WINDOW_SECONDS"] = "86400"
        if service == "payments":
            own["PAYMENTS_ORDERS_URL"] = f"http://127.0.0.1:{self._orders.port}"
        return variables(self.lab.state / "settings" / f"{service}.env") | own

    def _enlist(self, instance: Instance) -> None:
        if instance.program in SERVICES:
            self._listed[instance.program].append(instance.url)
            self._write()
            self._face_orders()

    def _strike(self, instance: Instance) -> None:
        if instance.program in SERVICES:
            self._listed[instance.program].remove(instance.url)
            self._write()
            self._face_orders()

    def _write(self) -> None:
        with self._turn:
            beside = self._list.with_suffix(".new")
            beside.write_text(json.dumps(self._listed))
            os.replace(beside, self._list)

    def _face_orders(self) -> None:
        listed = [each for each in self._instances["orders"] if each.url in self._listed["orders"]]
        with self._turn:
            if there := [each for each in listed if each not in self._away]:
                self._orders.face(there[-1].port)


def gateways_of(releases: Sequence[Release]) -> Sequence[Release]:
    """Return the releases whose gateways can stand beside each other on one port."""
    return [each for each in releases if each.shares_ports()]


@contextmanager
def fleet(lab: Laboratory, linger_seconds: float) -> Iterator[Fleet]:
    """Have a fleet beside the processes of a stack, and leave nothing of it."""
    made = Fleet(lab, linger_seconds)
    try:
        yield made
    finally:
        made.end()
