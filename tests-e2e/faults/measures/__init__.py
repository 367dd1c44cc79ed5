"""The measures: what the suite shows in numbers; each returns a line of the table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One line: what was done, what was seen, and whether that is what has to be seen."""

    name: str
    wanted: str
    seen: str
    good: bool

    def row(self) -> str:
        return f"| {self.name} | {self.wanted} | {self.seen} | {'yes' if self.good else '**no**'} |"
