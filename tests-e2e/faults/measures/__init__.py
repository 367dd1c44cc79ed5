"""The measures: what the suite shows in numbers; each returns a line of the table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One line: what was done, what was seen, and whether that is what has to be seen; None where it was not done."""

    name: str
    wanted: str
    seen: str
    good: bool | None

    def row(self) -> str:
        said = {True: "yes", False: "**no**", None: "not done"}[self.good]
        return f"| {self.name} | {self.wanted} | {self.seen} | {said} |"
