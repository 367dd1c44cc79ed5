"""Deploys: what is done to a program while it is asked, again and again, and how often it was done."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle, product

from rolling.fleet import GATEWAY, Fleet
from rolling.releases import SERVICES, Release

Deploy = Callable[[Fleet, str, Sequence[Release]], None]


def restart(fleet: Fleet, program: str, _: Sequence[Release]) -> None:
    """Restart each instance, one after another; of the gateway and of workers the next one starts first."""
    for instance in fleet[program]:
        if program in SERVICES and len(fleet[program]) > 1:
            fleet.restart(instance)
        else:
            fleet.replace(instance, instance.release)


def upgrade(fleet: Fleet, program: str, releases: Sequence[Release]) -> None:
    """Replace each instance by one of the next release, or of the first; meanwhile both serve side by side."""
    for instance in fleet[program]:
        following = releases[(releases.index(instance.release) + 1) % len(releases)]
        fleet.replace(instance, following)


def scale(fleet: Fleet, program: str, _: Sequence[Release]) -> None:
    """One instance more, then the oldest one less."""
    oldest = fleet[program][0]
    fleet.add(program, oldest.release)
    fleet.remove(oldest)


DEPLOYS: dict[str, Deploy] = {"upgrade": upgrade, "restart": restart, "scale": scale}


class Rollout:
    """Deploys of a service and its worker, or of the gateway, one after another in a thread of its own: so many rounds,
    or, with 0, until somebody ends it."""

    def __init__(
        self,
        fleet: Fleet,
        service: str,
        releases: Sequence[Release],
        deploys: Sequence[str],
        rounds: int,
        tell: Callable[[str], None],
    ) -> None:
        self.programs = [service] if service == GATEWAY else [service, f"{service}-worker"]
        self.done: dict[str, Counter[str]] = {program: Counter() for program in self.programs}
        self.failure = ""
        round_ = list(product(deploys, self.programs))
        self._plan = iter(round_ * rounds) if rounds else cycle(round_)
        self._fleet = fleet
        self._releases = releases
        self._tell = tell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._roll, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def is_through(self) -> bool:
        return not self._thread.is_alive()

    def end(self) -> None:
        """Wait until the deploy that is under way is done."""
        self._over.set()
        self._thread.join()

    def _roll(self) -> None:
        try:
            for name, program in self._plan:
                if self._over.is_set():
                    return
                DEPLOYS[name](self._fleet, program, self._releases)
                self.done[program][name] += 1
                self._tell(f"{program}: {name}")
        except Exception as failure:  # told with what the run has shown
            self.failure = f"{failure!r}"
            raise
