"""The reports of all processes in one view: what anybody may see, and what only the gateway's own network may."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.status.observing import DEGRADED, DOWN, UP, Report

View = dict[str, Any]


def public_view(reports: Sequence[Report], *, release: str) -> View:
    """Return for each service its state, since when, and its releases: nothing of how it is built or how busy it is."""
    services = [_service(name, [each["services"][name] for each in reports]) for name in _names(reports)]
    states = {each["state"] for each in services}
    return {
        "state": states.pop() if len(states) == 1 else (DEGRADED if states else UP),
        "release": release,
        "services": services,
    }


def own_view(reports: Sequence[Report], *, release: str) -> View:
    """Return the same, and what each process sees of each instance."""
    processes = [
        {
            **each,
            "started_at": _time(each["started_at"]),
            "written_at": _time(each["written_at"]),
            "services": {
                name: {**service, "since": _time(service["since"])}
                for name, service in each["services"].items()
            },
        }
        for each in reports
    ]
    return public_view(reports, release=release) | {"processes": processes}


def _names(reports: Iterable[Report]) -> list[str]:
    """Return the services that every process knows, in the order of the first."""
    known = [list(each["services"]) for each in reports]
    return [name for name in known[0] if all(name in names for names in known)] if known else []


def _service(name: str, seen: Sequence[Report]) -> View:
    states = {each["state"] for each in seen}
    # Where the processes do not agree, some requests go well and others do not.
    state = states.pop() if len(states) == 1 else DEGRADED
    # A process that has just started saw nothing before; whoever saw it longest knows best.
    agreeing = [each["since"] for each in seen if each["state"] == state] or [each["since"] for each in seen]
    instances = [each for service in seen for each in service["instances"]]
    return {
        "name": name,
        "state": state,
        "since": _time(min(agreeing)),
        "releases": sorted({each["release"] for each in instances if each["release"]})
        if state != DOWN
        else [],
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
