"""The report: the table of a run, printed and kept."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stacks import ROOT

from faults.failpoints import Kill
from faults.measures import Measure
from faults.seeding import Catch
from faults.storm import Storm

FOLDER = ROOT / ".run" / "faults"
RECOVERED_SECONDS = 5
HEAD = "| what | has to be | was | good |\n|---|---|---|---|"


def of_storm(storm: Storm, seconds: float, orders: int) -> list[Measure]:
    seen = f"{storm.orders:,} orders, {len(storm.strikes)} faults, {storm.replays} replays"
    return [
        Measure(
            f"random faults for {seconds:.0f} s",
            f"{orders:,} orders or more, 0 violations, nothing unsettled 60 s after the last fault",
            f"{seen}; {storm.verdict.count} violations; settled {storm.verdict.seconds:.1f} s after the last shopper",
            storm.orders >= orders and not storm.verdict.count,
        ),
        Measure(
            "recovery from the last of these faults",
            f"an order placed, paid and PAID within {RECOVERED_SECONDS} s",
            f"{storm.recovery_seconds:.1f} s",
            storm.recovery_seconds <= RECOVERED_SECONDS,
        ),
    ]


def of_kills(kills: Sequence[Kill], points: int) -> Measure:
    bad = [kill for kill in kills if kill.verdict is not None and kill.verdict.count]
    missed = sum(kill.verdict is None for kill in kills)
    slowest = max((kill.verdict.seconds for kill in kills if kill.verdict is not None), default=0)
    return Measure(
        f"kill before and after each of {points} commits and remote calls",
        "0 violations",
        f"{len(kills) - missed} kills, {len(bad)} with violations, {missed} not passed; "
        f"the slowest was settled after {slowest:.1f} s",
        not bad and not missed,
    )


def of_catches(catches: Sequence[Catch]) -> Measure:
    caught = sum(catch.caught for catch in catches)
    return Measure("seeded bugs", "each caught", f"{caught} of {len(catches)}", caught == len(catches))


def bugs_table(catches: Sequence[Catch]) -> str:
    lines = [
        f"| {catch.bug.name} | {catch.bug.scenario.__name__.replace('_', ' ')} | "
        f"{f'`{catch.bug.caught_by}`' if catch.caught else '**missed**'} |"
        for catch in catches
    ]
    return "\n".join(["| bug | scenario | caught by |", "|---|---|---|", *lines])


def write(
    folder: Path, seed: int, measures: Sequence[Measure], catches: Sequence[Catch], details: dict[str, Any]
) -> Path:
    """Print the tables and keep them, with all that was seen, as JSON."""
    print(f"\nSEED={seed}\n\n{HEAD}")  # noqa: T201
    for measure in measures:
        print(measure.row())  # noqa: T201
    if catches:
        print("\n" + bugs_table(catches))  # noqa: T201
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.json"
    found = {"seed": seed, "measures": [asdict(each) for each in measures], **details}
    found["bugs"] = {catch.bug.name: catch.verdict.violated for catch in catches}
    file.write_text(json.dumps(found, indent=1, default=str))
    return file
