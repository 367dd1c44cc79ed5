"""Unit tests of the house: who may import whom, and papers that say what the code does."""

import ast
import json
import re
from pathlib import Path

import pytest

from chassis.settings import table
from payments import openapi
from payments.domain import MOVES
from payments.events import ORDER_HANDLERS
from payments.settings import PREFIX, Settings

SERVICE = Path(__file__).parents[2]
README = (SERVICE / "README.md").read_text()
SOURCES = sorted((SERVICE / "src/payments").rglob("*.py"))

# Each room may import those before it, never those after.
ROOMS = [
    "settings",
    "domain",
    "service",
    "events",
    "postgres",
    "metrics",
    "rounds",
    "stripe_transport",
    "stripe_provider",
    "stripe_books",
    "stripe_webhooks",
    "stripe_parts",
    "clients",
    "schemas",
    "api",
    "app",
    "wsgi",
    "worker",
    "openapi",
    "reconcile",
]
OTHERS = {"users", "orders", "gateway", "sandbox"}
TECHNOLOGY = {"flask", "gevent", "marshmallow", "prometheus_client", "psycopg", "requests", "stripe"}


def room_of(source):
    return source.relative_to(SERVICE / "src/payments").parts[0].removesuffix(".py")


def imports_of(source):
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole module"
            found.add(node.module)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SERVICE)))
def test_imports_point_one_way(source):
    here, imported = room_of(source), imports_of(source)
    packages = {name.partition(".")[0] for name in imported}
    assert not OTHERS & packages
    if here == "__init__":
        return
    own = {name.split(".")[1] for name in imported if name.startswith("payments.")} - {here}
    assert own <= set(ROOMS[: ROOMS.index(here)])
    if here in ("domain", "service"):
        assert not TECHNOLOGY & packages
    if here == "domain":
        assert {name for name in imported if name.startswith("chassis")} <= {"chassis.errors"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SERVICE)))
def test_a_room_says_what_it_is_and_is_not_crowded(source):
    tree = ast.parse(source.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert ast.get_docstring(tree)
    assert len(source.read_text().splitlines()) <= 250
    assert [each.name for each in functions if each.end_lineno - each.lineno >= 50] == []


def test_openapi_json_is_what_the_app_serves():
    assert json.loads((SERVICE / "openapi.json").read_text()) == openapi.document(), (
        "run: python -m payments.openapi > openapi.json"
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
    told = json.loads((SERVICE / "events.json").read_text())
    assert [type for type in (*told, *ORDER_HANDLERS) if f"`{type}`" not in README] == []


def test_the_readme_draws_the_table_of_moves():
    drawn = set(re.findall(r"^    ([a-z]+) --> ([a-z]+)", README, re.MULTILINE))
    assert drawn == {(before, after) for before in MOVES for after in MOVES[before]}
