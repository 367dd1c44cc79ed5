"""Failpoints: every commit and remote call on the way of an order, found by counting; a kill before and after each."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shop import until

from faults import scenarios, unheard
from faults.checker import Verdict, check
from faults.laboratory import Laboratory
from faults.scenarios import Bench, Scenario

# Together they pass everything between an order and its end, whatever that is.
JOURNEYS: tuple[Scenario, ...] = (
    scenarios.an_order_is_paid_and_cancelled,
    scenarios.a_card_is_declined,
    scenarios.the_provider_is_slow,
    scenarios.the_provider_is_silent_and_its_webhook_is_late,
    scenarios.an_order_is_cancelled_while_the_provider_is_silent,
    scenarios.an_order_expires,
    unheard.a_payment_outlives_its_key,
    unheard.a_silent_payment_takes_long,
)
# What is passed all the time, or on other ways.
ASIDE = (
    "commit of the chassis",
    "commit in users.",
    "call of a service: POST /api/v1/users",
    "call of a service: POST /api/v1/auth",
)
MEASURING = "metrics.measure"
STRUCK_SECONDS, SETTLED_SECONDS = 6, 60


@dataclass(frozen=True, order=True)
class Failpoint:
    """A commit or a remote call of one process."""

    program: str
    name: str


@dataclass(frozen=True)
class Kill:
    """What became of one kill; without a verdict it was not passed that time."""

    failpoint: Failpoint
    when: str
    verdict: Verdict | None


def enumerate_failpoints(
    lab: Laboratory, seed: int, folder: Path, journeys: Sequence[Scenario] = JOURNEYS
) -> dict[Failpoint, list[Scenario]]:
    """Walk every journey once and return the failpoints passed, each with the journeys that pass it."""
    found: dict[Failpoint, list[Scenario]] = {}
    for journey in journeys:
        bench = Bench(lab, seed, folder / "counting.jsonl")
        with lab.counting() as hits:
            journey(bench)
            lab.disarm()
            check(lab, bench.history, bench.market, SETTLED_SECONDS)
        for failpoint in {Failpoint(hit["program"], hit["name"]) for hit in hits}:
            if not failpoint.name.startswith(ASIDE) and MEASURING not in failpoint.name:
                found.setdefault(failpoint, []).append(journey)
    return found


def kill_at(
    lab: Laboratory, failpoint: Failpoint, when: str, journeys: Sequence[Scenario], seed: int, folder: Path
) -> Kill:
    """Walk journeys until a process dies at a failpoint: that one passed it once may have been by chance."""
    for journey in journeys:
        bench = Bench(lab, seed, folder / "failpoints.jsonl")
        bench.shopper.patience_seconds = SETTLED_SECONDS
        lab.arm(failpoint.program, failpoint.name, when)
        journey(bench)
        with suppress(AssertionError):
            until(lab.has_struck, STRUCK_SECONDS)
        struck = lab.has_struck()
        lab.disarm()
        if struck:
            return Kill(failpoint, when, check(lab, bench.history, bench.market, SETTLED_SECONDS))
    return Kill(failpoint, when, None)


def kill_everywhere(
    lab: Laboratory,
    chosen: Sequence[tuple[Failpoint, Sequence[Scenario]]],
    seed: int,
    folder: Path,
    tell: Callable[[str], None],
) -> list[Kill]:
    """Kill before and after each failpoint, one at a time."""
    found = []
    for failpoint, journeys in chosen:
        for when in ("before", "after"):
            kill = kill_at(lab, failpoint, when, journeys, seed, folder)
            said = "not passed" if kill.verdict is None else str(kill.verdict)
            tell(f"{when} {failpoint.name} in {failpoint.program}: {said}")
            found.append(kill)
    return found
