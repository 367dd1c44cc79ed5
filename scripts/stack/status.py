"""`make status`: each process, its state, how long it runs, where it listens and whether it is ready."""

import argparse
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from stack import readiness
from stack.places import Places
from stack.processes import Process, Supervisor, remaining
from stack.settings import local
from stack.up import recorded_ports

ROW = "{name:<16} {state:<9} {pid:>7} {up:>10}  {address:<24} {ready}"


def address(process: Process, ports: dict[str, int]) -> str:
    """Return where a process listens."""
    if process.name == "postgres":
        return "unix socket"
    secured = f"{process.name}-probes" in ports
    return local(ports[process.name], "nats" if process.name == "nats" else "https" if secured else "http")


def rows(places: Places) -> list[dict[str, object]]:
    """Return one row for each process of a running stack."""
    processes, ports = Supervisor(places).processes(), recorded_ports(places)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda process: readiness.of(process, ports), processes))
    return [
        asdict(one) | {"up_seconds": one.up_seconds, "address": address(one, ports), "ready": ready}
        for one, ready in zip(processes, answers, strict=True)
    ]


def main() -> None:
    """Run `make status`; the exit code is 1 unless everything runs and is ready."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true", help="for programs")
    as_json = arguments.parse_args().json
    places = Places.of()
    if not Supervisor(places).is_running():
        left = len(list(remaining(places)))
        sys.exit(
            f"Souk runs without its supervisor ({left} processes): make up"
            if left
            else "Souk is not running."
        )
    found = rows(places)
    if as_json:
        print(json.dumps(found))
        return
    print(ROW.format(name="process", state="state", pid="pid", up="up", address="address", ready="ready"))
    for row in found:
        up = timedelta(seconds=row["up_seconds"])
        print(ROW.format(**row | {"up": str(up), "state": row["state"].lower()}).rstrip())
    sys.exit(not all(well(row) for row in found))


def well(row: Mapping[str, Any]) -> bool:
    """Whether a process runs and says that it is ready; supervisor calls it starting for its first second."""
    return row["ready"] == "ready" or (row["state"] == "RUNNING" and row["ready"] == "")


if __name__ == "__main__":
    main()
