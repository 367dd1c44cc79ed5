"""Ends what a killed process left behind: the workers of a gunicorn whose parent is gone still hold its port.

Usage: scripts/python -m stack.orphans PROCESS_GROUP
"""

import contextlib
import os
import sys

import psutil

from stack.places import Places
from stack.processes import remaining

# Orphans notice by themselves and answer what they were asked; who has not gone by then is stuck.
PATIENCE_SECONDS = 2


def main() -> None:
    """End the processes of this stack that are in a process group."""
    group = int(sys.argv[1])
    found = [process for process in remaining(Places.of()) if belongs(process, group)]
    _, alive = psutil.wait_procs(found, timeout=PATIENCE_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=PATIENCE_SECONDS)


def belongs(process: psutil.Process, group: int) -> bool:
    """Say whether a process is in a process group."""
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(process.pid) == group
    return False


if __name__ == "__main__":
    main()
