"""`make test`: lint, import rules, every project's tests and the journeys, and one line for each.

Many tests of the gateway measure time, beside as many others as the processors bear. The few of them that fail are run
once more by themselves when all others have ended: who passes then is told as unsteady, with what it said before, and
counts. Nobody else gets a second chance: a race that doubles an order may show once in a hundred runs.

Usage: scripts/test [PROJECT...]
"""

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from stack.environments import InstallFailed, prepare
from stack.places import Places, projects

AT_ONCE = 3
# The longest first, so that the last to end is a short one.
ORDER = ("gateway", "tests-e2e", "libs/chassis", "payments", "users", "orders")
# Of the longest so many processes share the tests, which wait about as long as they work.
PROCESSES = {"gateway": 3, "libs/chassis": 2}
# More than so many failures of a part are no accident.
MOST_UNSTEADY = 3
MEASURING_TIME = frozenset({"gateway"})


@dataclass(frozen=True)
class Part:
    """One command of the whole; `report` is where pytest counts, None where only the exit code does."""

    name: str
    command: Sequence[str]
    folder: Path
    report: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a part."""

    part: Part
    passed: int
    failed: int
    skipped: int
    seconds: float
    output: str
    unsteady: int = 0

    def line(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed"
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        unsteady = f", {self.unsteady} UNSTEADY" if self.unsteady else ""
        return f"{self.part.name:<14} {counts + skipped + unsteady:<36} {self.seconds:>6.1f} s"


def parts(places: Places, wanted: Sequence[str]) -> list[Part]:
    """Return what to run: for the wanted projects, or for the whole tree where none is named."""
    root, reports = places.root, places.root / ".run" / "tests"
    own = str(root / "scripts" / "python")

    def pytest(name: str, folder: Path, python: str) -> Part:
        place = reports / name.replace("/", "-")
        options = [f"--junitxml={place}.xml", f"--basetemp={place}", "-q"]
        if name in PROCESSES:
            options.append(f"--numprocesses={PROCESSES[name]}")
        return Part(name, [python, "-m", "pytest", *options], folder, place.with_suffix(".xml"))

    chosen = list(wanted) or sorted(projects(root), key=rank)
    tested = [pytest(name, root / name, str(places.python(name))) for name in chosen]
    lint = Part("lint", [str(root / "scripts/lint"), *wanted], root)
    return [lint, *tested] if wanted else [*tested, pytest("scripts", root / "scripts", own), lint]


def rank(project: str) -> int:
    """Return when a project's tests start."""
    return ORDER.index(project) if project in ORDER else len(ORDER)


def counts(report: Path) -> tuple[int, int, int]:
    """Return how many tests of a pytest report passed, failed and were skipped."""
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 - our own file
    totals = [
        [int(suite.get(of, 0)) for of in ("tests", "failures", "errors", "skipped")] for suite in suites
    ]
    tests, failures, errors, skipped = (sum(column) for column in zip(*totals, strict=True))
    return tests - failures - errors - skipped, failures + errors, skipped


def run(part: Part) -> Outcome:
    """Run one part to its end and print its line."""
    started = time.monotonic()
    foreign = ("PYTHONPATH", "VIRTUAL_ENV", "GATEWAY_URL", "SOUK_STATE")
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    ran = subprocess.run(
        part.command,
        cwd=part.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    passed, failed, skipped = (1, 0, 0) if ran.returncode == 0 else (0, 1, 0)
    if part.report is not None and part.report.exists():
        passed, failed, skipped = counts(part.report)
        failed = failed or int(ran.returncode != 0)
    outcome = Outcome(part, passed, failed, skipped, time.monotonic() - started, ran.stdout)
    print(outcome.line(), flush=True)
    return outcome


def steadied(outcome: Outcome) -> Outcome:
    """Run the few tests of a part that failed once more by themselves; return what is so of the part then."""
    part = outcome.part
    if part.name not in MEASURING_TIME or part.report is None or not 0 < outcome.failed <= MOST_UNSTEADY:
        return outcome
    kept = [option for option in part.command if not option.startswith("--numprocesses")]
    command = [*kept, "--last-failed", "--last-failed-no-failures=none"]
    second = run(Part(f"{part.name} again", command, part.folder, part.report))
    if second.failed or second.passed != outcome.failed:
        return outcome
    return replace(outcome, passed=outcome.passed + second.passed, failed=0, unsteady=second.passed)


def main() -> None:
    """Run `make test`; the exit code says whether everything passed."""
    places, wanted = Places.of(), sys.argv[1:]
    unknown = [name for name in wanted if name not in projects(places.root)]
    if unknown:
        sys.exit(f"There is no project {', '.join(unknown)}; there are {', '.join(projects(places.root))}.")
    started = time.monotonic()
    try:
        prepare(places, wanted or projects(places.root), dev=True)
    except InstallFailed as failure:
        sys.exit(str(failure))
    reports = places.root / ".run" / "tests"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        outcomes = list(pool.map(run, parts(places, wanted)))
    told = [outcome for outcome in outcomes if outcome.failed]
    outcomes = [steadied(outcome) for outcome in outcomes]
    broken = [outcome for outcome in outcomes if outcome.failed or outcome.unsteady]
    for outcome in told:
        print(f"\n--- {outcome.part.name} ---\n{outcome.output}")
    for outcome in broken:
        print(outcome.line())
    passed, failed = (sum(getattr(outcome, field) for outcome in outcomes) for field in ("passed", "failed"))
    print(f"\n{passed} passed, {failed} failed in {time.monotonic() - started:.0f} s")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
