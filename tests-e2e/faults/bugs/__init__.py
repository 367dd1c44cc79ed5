"""The seeded bugs: mistakes that such systems have, each with the scenario in which the checker must see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from faults.scenarios import Scenario

ORDERS, PAYMENTS = ("orders", "orders-worker"), ("payments", "payments-worker")


@dataclass(frozen=True)
class Edit:
    """One piece of a module's source, which is there exactly once, and what stands there instead."""

    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """A mistake, the processes that make it, and the invariant that has to be violated by it."""

    name: str
    edits: Sequence[Edit]
    programs: Sequence[str]
    scenario: Scenario
    caught_by: str
