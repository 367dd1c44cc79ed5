"""`python -m rolling`: a stack of its own whose every process is restarted, upgraded and scaled while clients ask."""

import argparse
import os
import secrets
import signal
import sys
import time
from pathlib import Path

from faults.laboratory import laboratory
from stacks import ROOT

from rolling.releases import NoHistory, current, previous
from rolling.run import Size, roll

WHOLE = Size(requests=100_000, instances=2, shoppers=24, think_seconds=1.0, settle_seconds=120)


def tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)  # noqa: T201


def main() -> None:
    """Roll until so many requests were sent; the exit code says whether each was answered and the books agree."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends a run ends its stack
    arguments = argparse.ArgumentParser(prog="scripts/test-rolling", description=__doc__)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments.add_argument("--requests", type=int, default=WHOLE.requests)
    options = arguments.parse_args()
    tell(f"SEED={options.seed}, load {os.getloadavg()[0]:.1f}")
    try:
        releases = (previous(), current())
    except NoHistory as why:
        tell(f"no upgrade from the previous release: {why}")
        releases = (current(),)
    size = Size(**{**vars(WHOLE), "requests": options.requests})
    folder = ROOT / ".run" / "rolling"
    with laboratory({}) as lab:
        result = roll(lab, releases, size, options.seed, Path(folder) / f"history-{options.seed}.jsonl", tell)
    tell(f"load {os.getloadavg()[0]:.1f}")
    print(f"\nSEED={options.seed}\n\n{result.table()}")  # noqa: T201
    sys.exit(not result.good)


if __name__ == "__main__":
    main()
