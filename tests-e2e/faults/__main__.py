"""`python -m faults`: the whole fault suite on embedded stacks of its own, and its table.

SEED chooses what happens and when; it is printed, so that a run can be had again.
"""

import argparse
import random
import secrets
import signal
import sys
import time
from dataclasses import dataclass

from faults import failpoints, report, seeding, strikes
from faults.between import proxies
from faults.laboratory import Laboratory, laboratory
from faults.measures import Measure
from faults.measures.keys import identical_posts
from faults.measures.outages import full_store, lost_store, without_broker
from faults.measures.outbox import all_transactions, backlog, forget
from faults.measures.recovery import from_each
from faults.seeding import Catch
from faults.storm import storm

DRAIN_WANTED = 3000
# What measures a rate comes first, while the machine is quiet; what needs failpoints, on a stack of its own, last.
AS_IT_IS = ("outbox", "keys", "recovery", "broker", "storm", "store", "disk")
INJECTED = ("failpoints", "bugs")
PARTS = (*AS_IT_IS, *INJECTED)


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    keys: int
    copies: int
    transactions: int
    backlog: int
    broker_seconds: float
    storm_seconds: float
    storm_orders: int
    shoppers: int


WHOLE = Size(1000, 20, 100_000, 30_000, 60, 600, 2000, 24)


def tell(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)  # noqa: T201


class Run:
    """One run of the suite: its seed, and what it has shown so far."""

    def __init__(self, seed: int, size: Size) -> None:
        self.seed = seed
        self.size = size
        self.measures: list[Measure] = []
        self.catches: list[Catch] = []
        self.details: dict[str, object] = {}
        self.folder = report.FOLDER / f"history-{seed}-{int(time.time())}"

    def add(self, *measures: Measure) -> None:
        for measure in measures:
            tell(measure.row())
            self.measures.append(measure)

    def take(self, part: str, lab: Laboratory) -> None:
        """Run a part by its name, and tell how long it took."""
        began = time.monotonic()
        getattr(self, part)(lab)
        tell(f"{part} took {time.monotonic() - began:.0f} s")

    def bugs(self, lab: Laboratory) -> None:
        assert not (misfits := seeding.misfits()), misfits
        self.catches = seeding.hunt(lab, seeding.BUGS, self.seed, self.folder, tell)
        self.add(report.of_catches(self.catches))

    def failpoints(self, lab: Laboratory) -> None:
        points = failpoints.enumerate_failpoints(lab, self.seed, self.folder)
        chosen = sorted(points.items(), key=lambda each: each[0])
        kills = failpoints.kill_everywhere(lab, chosen, self.seed, self.folder, tell)
        self.details["failpoints"] = [f"{point.program}: {point.name}" for point, _ in chosen]
        self.add(report.of_kills(kills, len(points)))

    def keys(self, lab: Laboratory) -> None:
        self.add(
            identical_posts(lab, self.seed, self.folder / "keys.jsonl", self.size.keys, self.size.copies)
        )

    def outbox(self, lab: Laboratory) -> None:
        self.add(all_transactions(lab, self.seed, self.size.transactions, tell))
        self.add(backlog(lab, self.seed, self.size.backlog, DRAIN_WANTED))
        forget(lab)

    def recovery(self, lab: Laboratory) -> None:
        self.add(from_each(lab, self.seed, self.folder / "recovery.jsonl", tell))

    def broker(self, lab: Laboratory) -> None:
        self.add(without_broker(lab, self.seed, self.folder / "broker.jsonl", self.size.broker_seconds))

    def storm(self, lab: Laboratory) -> None:
        size = self.size
        with proxies(lab) as between:
            found = storm(
                lab,
                self.seed,
                self.folder / "storm.jsonl",
                strikes=(*strikes.ALL, *[strikes.misbehave(between)] * 4),
                seconds=size.storm_seconds,
                shoppers=size.shoppers,
                pace_seconds=3.0,
                tell=tell,
            )
        tell(str(found.verdict))
        self.details["strikes"] = found.strikes
        self.add(*report.of_storm(found, size.storm_seconds, size.storm_orders))

    def store(self, lab: Laboratory) -> None:
        self.add(lost_store(lab, self.seed, self.folder / "store.jsonl"))

    def disk(self, lab: Laboratory) -> None:
        self.add(full_store(lab, self.seed, self.folder / "disk.jsonl", 10, tell))


def main() -> None:
    """Run the parts that are wanted; the exit code says whether everything was as it has to be."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends a run ends its stacks
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments.add_argument("--storm-seconds", type=float, default=WHOLE.storm_seconds)
    arguments.add_argument("part", nargs="*", choices=[*PARTS, []], help="all of them if none is named")
    options = arguments.parse_args()
    tell(f"SEED={options.seed}")
    random.seed(options.seed)
    seconds = options.storm_seconds
    size = Size(**{**vars(WHOLE), "storm_seconds": seconds, "storm_orders": int(seconds * 10 / 3)})
    run, wanted = Run(options.seed, size), options.part or PARTS
    try:
        for inject, parts in ((False, AS_IT_IS), (True, INJECTED)):
            if mine := [part for part in parts if part in wanted]:
                with laboratory(inject=inject) as lab:
                    for part in mine:
                        run.take(part, lab)
    finally:
        file = report.write(run.folder, run.seed, run.measures, run.catches, run.details)
        tell(f"all that was seen: {file}")
    sys.exit(any(measure.good is False for measure in run.measures))


if __name__ == "__main__":
    main()
