"""Whether the processes of a stack are ready, asked where each says so itself."""

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from stack.places import DATABASES, Places
from stack.processes import Process, StartFailed, Supervisor
from stack.settings import local

READY_SECONDS = 60
ANSWER_SECONDS = 2
STARTS_BEFORE_GIVING_UP = 2
LINES_OF_LOG = 15

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def addresses(ports: Mapping[str, int]) -> dict[str, str]:
    """Return the address each process of the groups `services` and `edge` says there that it is ready."""
    served = ["sandbox", *DATABASES, *(f"{name}-worker" for name in DATABASES)]
    asked = {name: local(ports.get(f"{name}-probes", ports[name])) for name in served}
    return asked | {"gateway": local(ports["gateway-admin"])}


def missing(address: str) -> str:
    """Return what a process at an address still waits for, "" where it is ready."""
    try:
        with _direct.open(f"{address}/readyz", timeout=ANSWER_SECONDS):
            return ""
    except urllib.error.HTTPError as unready:
        with contextlib.suppress(ValueError):
            checks = json.load(unready).get("checks", {}).items()
            return ", ".join(f"{name}: {found}" for name, found in checks if found != "ok") or "unready"
        return f"answers {unready.code}"
    except OSError:
        return "no answer yet"


def last_lines(places: Places, name: str) -> str:
    """Return the end of a process's log."""
    with contextlib.suppress(OSError):
        lines = (places.logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-LINES_OF_LOG:])
    return ""


class Watch:
    """Waits for processes to become ready, and notices those that only die."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.starts: dict[str, set[int]] = {}

    def check(self) -> None:
        """Raise StartFailed when a process was started again and again."""
        for process in self.supervisor.processes():
            starts = self.starts.setdefault(process.name, set())
            starts.add(process.started)
            if len(starts) > STARTS_BEFORE_GIVING_UP or process.state == "FATAL":
                raise self.failure(process.name, "does not stay up")

    def failure(self, name: str, what: str) -> StartFailed:
        log = self.supervisor.places.logs / f"{name}.log"
        return StartFailed(f"{name} {what}. {log} ends:\n{last_lines(self.supervisor.places, name)}")

    def until_ready(self, group: str, ports: Mapping[str, int]) -> None:
        """Wait until every process of a group says that it is ready, and print each that does.

        Raises StartFailed.
        """
        members = {process.name for process in self.supervisor.processes() if process.group == group}
        waiting = {name: address for name, address in addresses(ports).items() if name in members}
        reasons: dict[str, str] = {}
        deadline = time.monotonic() + READY_SECONDS
        while waiting:
            for name, address in list(waiting.items()):
                reasons[name] = missing(address)
                if not reasons[name]:
                    del waiting[name]
                    print(f"· {name}: ready", flush=True)
            self.check()
            if time.monotonic() > deadline:
                name = next(iter(waiting))
                raise self.failure(name, f"is not ready after {READY_SECONDS} s ({reasons[name]})")
            time.sleep(0.1)


def of(process: Process, ports: Mapping[str, int]) -> str:
    """Return what `make status` says of a process: ready, or what it waits for; "" if it cannot be asked."""
    address = addresses(ports).get(process.name)
    return "" if address is None else missing(address) or "ready"
