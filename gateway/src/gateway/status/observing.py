"""What one process sees of the services: the state of each, since when, and what it knows of its instances."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from gateway.upstream import record
from gateway.upstream.group import state
from gateway.upstream.instance import Instance
from gateway.upstream.record import IN_USE

UP, DEGRADED, DOWN = "up", "degraded", "down"

Report = dict[str, Any]


class Watched(Protocol):
    """What of a service matters here."""

    @property
    def instances(self) -> list[Instance]:
        """All that are listed."""


class Observer:
    """Looks at the services of this process; times are in Unix seconds."""

    def __init__(
        self, services: Mapping[str, Watched], *, release: str, now: Callable[[], float] = time.time
    ) -> None:
        self._services = services
        self._release = release
        self._now = now
        self._started_at = now()
        self._since: dict[str, tuple[str, float]] = {}

    def report(self) -> Report:
        """Return what is seen now."""
        return {
            "pid": os.getpid(),
            "release": self._release,
            "started_at": self._started_at,
            "written_at": self._now(),
            "services": {name: self._look(name, each.instances) for name, each in self._services.items()},
        }

    def _look(self, name: str, instances: Iterable[Instance]) -> Report:
        seen = [_instance(each) for each in instances]
        for each in seen:
            record.in_flight(name, each["address"], each["in_flight"])
        now = _state_of([each["state"] for each in seen])
        before, since = self._since.get(name, ("", 0.0))
        if now != before:
            since = self._now()
            self._since[name] = now, since
        return {"state": now, "since": since, "instances": seen}


def _instance(instance: Instance) -> Report:
    return {
        "address": instance.authority,
        "state": state(instance),
        "breaker": instance.breaker.state,
        "ready": instance.ready,
        "release": instance.version,
        "in_flight": instance.in_flight,
        "answered": instance.answered,
    }


def _state_of(states: list[str]) -> str:
    usable = states.count(IN_USE)
    if not usable:
        return DOWN
    return UP if usable == len(states) else DEGRADED
