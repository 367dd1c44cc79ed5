"""Figures: what is measured, what it has to be, and what it was in each round."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of the table. `wanted` is the least it may be, or the most where `at_most`; `missing` says why there
    is nothing to show."""

    part: str
    name: str
    wanted: float
    unit: str
    samples: Sequence[float] = ()
    at_most: bool = False
    missing: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def share(self) -> float:
        """Return how much of what is wanted was reached: 1 or more is enough."""
        reached = max(self.median, 1e-9)
        return self.wanted / reached if self.at_most else reached / self.wanted

    @property
    def reached(self) -> bool | None:
        return None if self.missing or not self.samples else self.share >= 1

    @property
    def bound(self) -> str:
        return f"{'<=' if self.at_most else '>='} {shown(self.wanted, self.unit)}"

    @property
    def spread(self) -> str:
        if len(self.samples) < 2:
            return ""
        return f"{shown(min(self.samples), self.unit)} .. {shown(max(self.samples), self.unit)}"


def shown(value: float, unit: str) -> str:
    """Return a value as people read it."""
    if unit == "x":
        return f"{value:.2f}"
    return f"{value:,.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(percent / 100 * len(ranked)))]
