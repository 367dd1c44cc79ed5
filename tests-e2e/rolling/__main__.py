"""`python -m rolling`: a stack of its own whose every process is restarted, upgraded and scaled while clients ask."""

import argparse
import os
import secrets
import signal
import sys
import time

from faults.laboratory import Laboratory, laboratory
from stacks import ROOT

from rolling.deploys import DEPLOYS
from rolling.fleet import GATEWAY, PROGRAMS, fleet
from rolling.releases import NoHistory, current, previous
from rolling.run import Size, roll

WHOLE = Size(
    requests=100_000, deploys=tuple(DEPLOYS), rounds=0, shoppers=24, think_seconds=1.0, settle_seconds=120
)
INSTANCES = 2
# Twice as long as the gateway takes to see that an instance is unready.
LINGER_SECONDS = 5.0


def tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)  # noqa: T201


def take_over(lab: Laboratory, gateway_url: str) -> None:
    """Stop what supervisord runs of the services, and have everybody call at our gateway."""
    lab.gateway_url = gateway_url
    lab.tell({"sandbox": {"SANDBOX_WEBHOOK_URL": f"{gateway_url}/api/v1/payments/webhooks/stripe"}})
    lab.control("restart", "services:sandbox")
    for program in PROGRAMS:
        lab.control("stop", f"{'edge' if program == GATEWAY else 'services'}:{program}")


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
    file = ROOT / ".run" / "rolling" / f"history-{options.seed}-{int(time.time())}.jsonl"
    with laboratory({}) as lab, fleet(lab, LINGER_SECONDS) as ships:
        ships.launch(releases, INSTANCES)
        take_over(lab, ships.gateway_url)
        tell(f"a gateway at {ships.gateway_url}, {INSTANCES} instances of each service")
        result = roll(ships, releases, size, options.seed, file, tell)
    tell(f"load {os.getloadavg()[0]:.1f}")
    print(f"\nSEED={options.seed}\n\n{result.table()}")  # noqa: T201
    sys.exit(not result.good)


if __name__ == "__main__":
    main()
