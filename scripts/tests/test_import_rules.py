"""The import rules find what they are there to find."""

from pathlib import Path

import pytest

from stack.import_rules import check

ROOMS = ("domain", "service", "postgres", "api", "clients", "events", "app", "wsgi", "worker", "settings")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree of two services and a chassis that keep every rule."""
    for service in ("shelves", "parcels"):
        package = tmp_path / service / "src" / service
        package.mkdir(parents=True)
        for room in ("__init__", *ROOMS):
            (package / f"{room}.py").write_text("")
    chassis = tmp_path / "libs/chassis/src/chassis"
    chassis.mkdir(parents=True)
    (chassis / "errors.py").write_text("class NotFound(Exception): ...\n")
    return tmp_path


def write(tree: Path, room: str, code: str) -> None:
    (tree / f"shelves/src/shelves/{room}.py").write_text(code)


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("domain", "import datetime\nfrom chassis.errors import NotFound"),
        ("service", "from shelves.domain import Shelf\nfrom chassis.clock import Clock"),
        ("postgres", "import psycopg\nfrom shelves.service import Store"),
        ("api", "from shelves import schemas, service"),
        ("app", "from shelves.postgres import Store\nfrom shelves.settings import Settings"),
        ("worker", "from shelves.app import create_app"),
    ],
)
def test_imports_that_point_down_are_right(tree, room, code):
    write(tree, room, code)
    assert check(tree, set()) == []


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("domain", "import flask"),
        ("domain", "from chassis.clock import Clock"),
        ("domain", "from shelves.service import put"),
        ("service", "import psycopg"),
        ("service", "from shelves.postgres import Store"),
        ("service", "from shelves import api"),
        ("postgres", "from shelves.app import create_app"),
        ("app", "def late():\n    from shelves.wsgi import app"),
        ("api", "from . import service"),
        ("clients", "from parcels.domain import Parcel"),
        ("clients", "import parcels"),
    ],
)
def test_other_imports_are_found(tree, room, code):
    write(tree, room, code)
    assert len(check(tree, set())) == 1


def test_things_may_be_in_order(tree):
    (tree / "libs/chassis/src/chassis/errors.py").write_text("def _in_order(order_by): ...")
    assert check(tree, set()) == []


def test_a_test_that_imports_another_service_is_found(tree):
    (tree / "shelves/tests").mkdir()
    (tree / "shelves/tests/test_shelf.py").write_text("from parcels.domain import Parcel")
    assert len(check(tree, {"shelves"})) == 1
    assert check(tree, {"parcels"}) == []


@pytest.mark.parametrize("code", ["import shelves", "def pay(order_id): ...", "class PaymentRequired: ..."])
def test_a_chassis_that_knows_the_business_is_found(tree, code):
    (tree / "libs/chassis/src/chassis/errors.py").write_text(code)
    assert check(tree, set()) != []
