"""`make bench`: every part that is wanted, one after another on a stack of its own; the table, JSON and the picture."""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import (
    cache,
    environment,
    gateway,
    growth,
    memory,
    overload,
    paying,
    picture,
    placing,
    report,
    service,
)
from benchmarks.figures import Figure
from benchmarks.laboratory import Laboratory, laboratory
from benchmarks.plan import Plan
from stack.places import Places

PARTS: dict[str, Callable[[Laboratory, Plan], list[Figure]]] = {
    "gateway": gateway.through_gateway,
    "alone": gateway.alone,
    "service": service.service,
    "cache": cache.cache,
    "orders": placing.orders,
    "paying": paying.paying,
    "memory": memory.memory,
    "overload": overload.overload,
    "growth": growth.growth,
}


def measure(wanted: list[str], plan: Plan) -> tuple[list[Figure], list[dict[str, Any]]]:
    """Measure the wanted parts; returns their figures, and what each turn was."""
    figures: list[Figure] = []
    with laboratory() as lab:
        for name in wanted:
            began = time.monotonic()
            print(f"{name}:", flush=True)
            figures += PARTS[name](lab, plan)
            print(f"  took {time.monotonic() - began:.0f} s", flush=True)
    return figures, lab.turns


def main() -> None:
    """Run the parts that are named, or all."""
    arguments = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=Plan.rounds)
    arguments.add_argument("--seconds", type=float, default=0)
    arguments.add_argument("part", nargs="*", choices=[*PARTS, []], help="all of them if none is named")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    places, plan = Places.of({}), Plan.of(options.rounds, options.seconds)
    wanted = [name for name in PARTS if name in options.part] or list(PARTS)
    environment.prepare(places)
    figures, turns = measure(wanted, plan)
    print(f"\n{report.costs(turns)}\n\n{report.table(figures)}\n")
    print(f"All of it: {report.write(places.root / '.run' / 'bench', plan, figures, turns)}")
    told = f"{report.machine()}; {plan.rounds} rounds of {plan.seconds:g} s, {plan.clients} clients"
    whole = len(wanted) == len(PARTS) and plan == Plan()
    drawn = places.root / ("gateway" if whole else ".run/bench") / "bench.svg"
    drawn.write_text(picture.draw(figures, told))
    print(f"The picture: {drawn}")


if __name__ == "__main__":
    main()
