"""`scripts/process`: stop some processes of a running stack, and start them again."""

import argparse
import sys

from stack.places import Places
from stack.processes import StartFailed, Supervisor


def main() -> None:
    """Run `scripts/process`."""
    arguments = argparse.ArgumentParser(prog="scripts/process", description=__doc__)
    arguments.add_argument("action", choices=("stop", "start"))
    arguments.add_argument("name", nargs="+", help="as in make status")
    asked = arguments.parse_args()
    supervisor = Supervisor(Places.of())
    if not supervisor.is_running():
        sys.exit("Souk is not running.")
    known = {process.name: process for process in supervisor.processes()}
    if unknown := [name for name in asked.name if name not in known]:
        sys.exit(f"There is no process {', '.join(unknown)}; there are {', '.join(known)}.")
    act = supervisor.stop_one if asked.action == "stop" else supervisor.start_one
    try:
        for name in asked.name:
            act(known[name])
    except StartFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
