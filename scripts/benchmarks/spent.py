"""Where the time goes: the CPU time that each program of the stack, the peer and the client take for one request."""

import contextlib
import resource
from collections import Counter
from collections.abc import Iterator, Mapping

import psutil

from stack.places import Places
from stack.processes import Supervisor

CLIENT = "client"  # wrk, or the script that is its own client
WORTH_TELLING_MICROSECONDS = 5


def cpu_seconds(pid: int) -> float:
    """Return what a process and its descendants have used, those that have ended included."""
    used = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        one = psutil.Process(pid)
        for each in [one, *one.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(each.cpu_times()[:4])
    return used


class Meter:
    """Reads the CPU time of the stack's programs and of what this process has started."""

    def __init__(self, places: Places) -> None:
        self._programs = {one.name: one.pid for one in Supervisor(places).processes()}
        # It reads what the programs log, and writes that to files.
        self._supervisor = psutil.Process(next(iter(self._programs.values()))).parent()

    def read(self) -> Counter[str]:
        found = Counter({name: cpu_seconds(pid) for name, pid in self._programs.items()})
        if self._supervisor is not None:
            found["supervisord"] = sum(self._supervisor.cpu_times()[:2])
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess):
                found[f"peer: {child.name()}"] += cpu_seconds(child.pid)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        found[CLIENT] = ended.ru_utime + ended.ru_stime
        return found

    @contextlib.contextmanager
    def running(self) -> Iterator[Counter[str]]:
        """Give the CPU seconds of a block by program, filled at its end."""
        used: Counter[str] = Counter()
        before = self.read()
        yield used
        used.update(self.read())
        used.subtract(before)


def of_one(used: Mapping[str, float], requests: int) -> dict[str, int]:
    """Return the microseconds that each program took for one of so many requests, the most first."""
    each = {name: round(1e6 * seconds / max(1, requests)) for name, seconds in used.items()}
    ranked = sorted(each.items(), key=lambda item: -item[1])
    return {name: microseconds for name, microseconds in ranked if microseconds >= WORTH_TELLING_MICROSECONDS}
