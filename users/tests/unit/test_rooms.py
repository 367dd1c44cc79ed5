"""Imports point one way: entry points, app, adapters, service, domain; and to no other service."""

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
FLOORS = {"domain": 0, "service": 1, "app": 3, "wsgi": 4, "worker": 4, "admin": 4, "keys": 4, "openapi": 4}
ADAPTERS = 2
OTHER_SERVICES = {"gateway", "orders", "payments", "sandbox"}
TECHNOLOGY = {"argon2", "flask", "gevent", "jwt", "marshmallow", "psycopg", "werkzeug"}


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(name: str) -> str:
    return name.split(".")[1]


@pytest.mark.parametrize(
    "file", sorted(SOURCE.rglob("users/**/*.py")), ids=lambda file: str(file.relative_to(SOURCE))
)
def test_a_room_knows_only_those_below(file):
    room = file.relative_to(SOURCE / "users").parts[0].removesuffix(".py")
    imports = imports_of(file)
    above = {
        name
        for name in imports
        if name.startswith("users.") and FLOORS.get(room_of(name), ADAPTERS) > FLOORS.get(room, ADAPTERS)
    }
    assert above == set()
    assert {name.split(".")[0] for name in imports} & OTHER_SERVICES == set()


def test_the_domain_knows_the_language_and_its_errors_alone():
    foreign = {
        name
        for name in imports_of(SOURCE / "users/domain.py")
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    assert all(name.startswith("chassis.errors.") for name in foreign)


def test_the_use_cases_know_no_technology():
    assert {name.split(".")[0] for name in imports_of(SOURCE / "users/service.py")} & TECHNOLOGY == set()
