"""What each process of the gateway sees, in a file beside its metrics, so that any of them can tell of all."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from gateway.status.observing import Report

_NAMES = "status-*.json"


class Reports:
    """The files of a folder; without one there is none. One that was not written for `stale_seconds` is of a process
    that has ended, and is removed."""

    def __init__(
        self, folder: Path | None, *, stale_seconds: float, now: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._stale_seconds = stale_seconds
        self._now = now

    @classmethod
    def beside_metrics(cls, environ: Mapping[str, str], *, stale_seconds: float) -> "Reports":
        """Return those in the folder that holds the metrics of all processes."""
        folder = environ.get("PROMETHEUS_MULTIPROC_DIR")
        return cls(Path(folder) if folder else None, stale_seconds=stale_seconds)

    def write(self, report: Report) -> None:
        """Write the report of a process, whole or not at all. Raises OSError."""
        if self._folder is None:
            return
        whole = self._folder / f"status-{report['pid']}.json"
        part = whole.with_suffix(".part")
        part.write_bytes(orjson.dumps(report))
        os.replace(part, whole)

    def read(self) -> list[Report]:
        """Return those of all processes that run."""
        found = []
        for file in sorted(self._folder.glob(_NAMES)) if self._folder is not None else ():
            try:
                report: Report = orjson.loads(file.read_bytes())
            except FileNotFoundError:  # another has just removed it
                continue
            if report["written_at"] < self._now() - self._stale_seconds:
                file.unlink(missing_ok=True)
            else:
                found.append(report)
        return found
