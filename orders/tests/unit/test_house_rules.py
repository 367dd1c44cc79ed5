"""Unit tests of the house: who may import whom, and papers that say what the code does."""

import ast
import json
import re
from pathlib import Path

import pytest

from chassis.settings import table
from orders import openapi
from orders.domain import TRANSITIONS
from orders.events import ANNOUNCED, payment_handlers
from orders.settings import PREFIX, Settings

SERVICE = Path(__file__).parents[2]
README = (SERVICE / "README.md").read_text()
SOURCES = sorted((SERVICE / "src").rglob("*.py"))

# Each room may import those before it, never those after.
ROOMS = [
    "settings",
    "domain",
    "service",
    "events",
    "postgres",
    "metrics",
    "schemas",
    "feed",
    "api",
    "app",
    "wsgi",
    "worker",
    "catalogue",
    "openapi",
]
SIBLINGS = {"users", "payments", "gateway", "sandbox"}
PURE = {"domain": {"chassis.errors"}}


def room_of(source: Path) -> str:
    return source.relative_to(SERVICE / "src" / "orders").parts[0].removesuffix(".py")


def imports_of(source: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole module"
            found.add(node.module)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: room_of(source))
def test_imports_point_one_way(source):
    here = room_of(source)
    imported = imports_of(source)
    assert not SIBLINGS & {name.partition(".")[0] for name in imported}
    if here == "__init__":
        return
    own = {name.split(".")[1] for name in imported if name.startswith("orders.")} - {here}
    assert own <= set(ROOMS[: ROOMS.index(here)])
    if here in PURE:
        foreign = {name for name in imported if name.startswith("chassis") or name == "flask"}
        assert foreign <= PURE[here]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SERVICE)))
def test_a_room_says_what_it_is_and_is_not_crowded(source):
    tree = ast.parse(source.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert ast.get_docstring(tree)
    assert len(source.read_text().splitlines()) <= 250
    assert [each.name for each in functions if each.end_lineno - each.lineno >= 50] == []


def test_openapi_json_is_what_the_app_serves():
    assert json.loads((SERVICE / "openapi.json").read_text()) == openapi.document(), (
        "run: python -m orders.openapi > openapi.json"
    )


def test_the_readme_has_each_setting_with_its_default():
    rows = [row.rpartition(" | ")[0] for row in table(Settings, PREFIX).splitlines()]
    assert [row for row in rows if row not in README] == []


def test_the_readme_has_each_operation():
    operations = [
        f"`{method.upper()} {path}`"
        for path, methods in openapi.document()["paths"].items()
        for method in methods
    ]
    assert [operation for operation in operations if f"| {operation} |" not in README] == []


def test_the_readme_has_each_event():
    heard = payment_handlers(None)
    told = {type for type, _ in ANNOUNCED.values()}
    assert [type for type in (*told, *heard) if f"`{type}`" not in README] == []


def test_the_readme_draws_the_table_of_moves():
    drawn = set(re.findall(r"^    ([A-Z]+) --> ([A-Z]+)", README, re.MULTILINE))
    assert drawn == {(before, after) for (before, _), after in TRANSITIONS.items()}
