"""What the chassis promises about itself: pure modules stay pure, and no business noun is in it."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "chassis"
PURE = {
    "assertions", "breaker", "clock", "context", "errors", "fields", "http1", "ids", "listening", "logs", "paging",
    "peers", "presenting", "problems", "redaction", "settings", "trust", "validation",
}  # fmt: skip
NOUNS = re.compile(
    r"\b(orders?|payments?|products?|shoppers?|catalogues?|skus?|stripe|refunds?|checkout)\b", re.IGNORECASE
)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def reached(name, seen):
    for module in imported(SOURCE / f"{name}.py"):
        top, _, rest = module.partition(".")
        if top != "chassis":
            yield top
        elif rest and (SOURCE / f"{rest}.py").exists() and rest not in seen:
            seen.add(rest)
            yield from reached(rest, seen)


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_pure_module_knows_no_web_framework_by_any_way(name):
    assert not {"flask", "werkzeug", "gunicorn"} & set(reached(name, {name}))


def test_errors_need_the_standard_library_alone():
    assert set(reached("errors", set())) <= {"collections", "dataclasses", "typing"}


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.py")), ids=lambda path: path.stem)
def test_no_module_knows_the_business(path):
    text = "\n".join(line for line in path.read_text().splitlines() if "ORDER BY" not in line)
    assert not {found.lower() for found in NOUNS.findall(text)} - {"order"}


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_every_module_says_what_it_is_and_stays_short(path):
    assert ast.get_docstring(ast.parse(path.read_text()))
    assert len(path.read_text().splitlines()) <= 250
