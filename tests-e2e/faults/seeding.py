"""Seeding: each bug switched on alone, its scenario run, and the checker asked; and each scenario without any bug."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from shop import until
from stacks import ROOT

from faults.bugs import Bug
from faults.bugs.chassis import CHASSIS
from faults.bugs.services import SERVICES
from faults.checker import Verdict, check
from faults.laboratory import Laboratory
from faults.scenarios import Bench, Scenario

BUGS: tuple[Bug, ...] = (*CHASSIS, *SERVICES)
# What is still wrong after that is a violation, where nothing else is broken.
SEEDED_SECONDS, SOUND_SECONDS, STRUCK_SECONDS = 10, 30, 5
CHANCES = 3  # some bugs are races, and on a busy machine the wrong one may win


@dataclass(frozen=True)
class Catch:
    """A bug, and which invariants it violated."""

    bug: Bug
    verdict: Verdict

    @property
    def caught(self) -> bool:
        return self.bug.caught_by in self.verdict.violated


def source_of(module: str) -> Path:
    """Return the file of a module of the tree."""
    relative = Path(*module.split("."))
    roots = [
        ROOT / "libs/chassis/src",
        *(ROOT / name / "src" for name in ("users", "orders", "payments", "gateway")),
    ]
    files = [
        place
        for root in roots
        for place in (root / relative.with_suffix(".py"), root / relative / "__init__.py")
    ]
    return next(file for file in files if file.exists())


def misfits(bugs: Sequence[Bug] = BUGS) -> list[str]:
    """Return the bugs whose pieces are not, each exactly once, in the source of today."""
    return [
        f"{bug.name}: {edit.module} has {count} times {edit.old!r}"
        for bug in bugs
        for edit in bug.edits
        if (count := source_of(edit.module).read_text().count(edit.old)) != 1
    ]


def sound(lab: Laboratory, scenario: Scenario, seed: int, file: Path) -> Verdict:
    """Run a scenario on the stack as it is."""
    bench = Bench(lab, seed, file)
    scenario(bench)
    until(lab.has_struck, STRUCK_SECONDS)
    lab.disarm()
    return check(lab, bench.history, bench.market, SOUND_SECONDS)


def seeded(lab: Laboratory, bug: Bug, seed: int, file: Path, before: Sequence[str]) -> Catch:
    """Switch a bug on, run its scenario until it is caught or has had its chances, and hold what came of it against
    the invariants.

    `before` are the processes that still have the bug before.
    """
    lab.seed([asdict(edit) for edit in bug.edits])
    lab.restart(sorted({*before, *bug.programs}))
    for chance in range(CHANCES):
        catch = Catch(bug, _verdict_on(lab, bug, seed + chance, file))
        if catch.caught:
            break
    return catch


def _verdict_on(lab: Laboratory, bug: Bug, seed: int, file: Path) -> Verdict:
    bench = Bench(lab, seed, file)
    with suppress(TimeoutError, AssertionError):
        bug.scenario(bench)
    with suppress(AssertionError):
        until(lab.has_struck, STRUCK_SECONDS)
    lab.disarm()
    return check(lab, bench.history, bench.market, SEEDED_SECONDS, patient=True)


def hunt(
    lab: Laboratory, bugs: Sequence[Bug], seed: int, folder: Path, tell: Callable[[str], None]
) -> list[Catch]:
    """Switch on one bug after the other, and leave a sound stack."""
    found: list[Catch] = []
    before: Sequence[str] = ()
    for number, bug in enumerate(bugs):
        catch = seeded(lab, bug, seed, folder / f"bug-{number}.jsonl", before)
        tell(
            f"{'caught' if catch.caught else 'MISSED'}  {bug.name}: {', '.join(catch.verdict.violated) or 'nothing'}"
        )
        found.append(catch)
        before = bug.programs
    lab.seed([])
    lab.restart(list(before))
    return found
