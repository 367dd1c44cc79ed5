"""The house: who may import whom, and papers that say what the code does."""

import ast
from pathlib import Path

import pytest

from chassis.settings import table
from gateway.settings import PREFIX, Settings

SERVICE = Path(__file__).parents[2]
SOURCES = sorted((SERVICE / "src").rglob("*.py"))

# Each room may import those before it, never those after.
ROOMS = [
    "channel",
    "front",
    "upstream",
    "strict_json",
    "fetching",
    "keys",
    "issuers",
    "discovery",
    "revocations",
    "identity",
    "remembered",
    "counters",
    "shared_counters",
    "rates",
    "logins",
    "canary",
    "routes",
    "cached_routes",
    "route_file",
    "reloading",
    "protection",
    "cors",
    "forwarded",
    "compression",
    "pages",
    "paper",
    "places",
    "target",
    "body",
    "headers",
    "refusing",
    "access_line",
    "access",
    "tracing",
    "relaying",
    "cache",
    "proxy",
    "reference",
    "status",
    "upstream_settings",
    "limit_settings",
    "settings",
    "showing",
    "verifying",
    "app",
    "wsgi",
    "worker",
]
SIBLINGS = {"users", "orders", "payments", "sandbox"}
# What could serve any other handler knows nothing of this one.
APART = {"channel": {"channel"}, "front": {"channel", "front"}, "upstream": {"channel", "upstream"}}


def room_of(source):
    return source.relative_to(SERVICE / "src" / "gateway").parts[0].removesuffix(".py")


def imports_of(source):
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SERVICE)))
def test_imports_point_one_way(source):
    here, imported = room_of(source), set(imports_of(source))
    assert not SIBLINGS & {name.partition(".")[0] for name in imported}
    if here != "__init__":
        own = {name.split(".")[1] for name in imported if name.startswith("gateway.")}
        assert own <= APART.get(here, {here, *ROOMS[: ROOMS.index(here)]})


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SERVICE)))
def test_a_room_says_what_it_is_and_is_not_crowded(source):
    text = source.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 250


@pytest.mark.parametrize("row", table(Settings, PREFIX).splitlines())
def test_the_readme_has_each_setting_as_it_is(row):
    assert row in (SERVICE / "README.md").read_text().splitlines()
