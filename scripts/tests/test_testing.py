"""What `make test` makes of a part whose tests fail, with real pytest runs."""

import sys
from pathlib import Path

import pytest

from stack.testing import MOST_UNSTEADY, Outcome, Part, run, steadied

FIRST_TIME = """
from pathlib import Path
def test_first():
    before = Path(__file__).with_suffix(".seen")
    seen = before.exists()
    before.touch()
    assert seen
def test_good():
    pass
"""
ALWAYS = "def test_bad():\n    assert False\n"


@pytest.fixture
def outcome_of(tmp_path: Path):
    def made(source: str, name: str = "gateway") -> Outcome:
        (tmp_path / "test_it.py").write_text(source)
        (tmp_path / "pytest.ini").touch()
        report = tmp_path / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", f"--rootdir={tmp_path}"]
        return steadied(run(Part(name, command, tmp_path, report)))

    return made


def told(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.passed, outcome.failed, outcome.unsteady


def test_who_fails_once_and_passes_alone_is_told_as_unsteady(outcome_of):
    outcome = outcome_of(FIRST_TIME)
    assert told(outcome) == (2, 0, 1) and "1 UNSTEADY" in outcome.line()
    assert "assert seen" in outcome.output


def test_who_fails_again_has_failed(outcome_of):
    assert told(outcome_of(ALWAYS)) == (0, 1, 0)
    assert told(outcome_of(FIRST_TIME + ALWAYS)) == (1, 2, 0)


@pytest.mark.parametrize("name", ["payments", "orders", "users", "libs/chassis", "tests-e2e"])
def test_who_holds_what_may_not_happen_twice_gets_no_second_chance(outcome_of, name):
    assert told(outcome_of(FIRST_TIME, name)) == (1, 1, 0)


def test_many_failures_are_no_accident(outcome_of):
    one = FIRST_TIME.partition("def test_good")[0]
    numbers = range(MOST_UNSTEADY + 1)
    source = "".join(
        one.replace("test_first", f"test_{number}").replace(".seen", f".seen{number}") for number in numbers
    )
    assert told(outcome_of(source)) == (0, MOST_UNSTEADY + 1, 0)
