"""Every service's first migration is the chassis' own, word for word."""

from pathlib import Path

import pytest

import chassis

ORIGINAL = Path(chassis.__file__).parent / "sql" / "0001_chassis.sql"
PROJECT = Path(__file__).parents[2]
COPIES = sorted(
    [*PROJECT.glob("tests/migrations/0001_*.sql"), *PROJECT.parents[1].glob("*/migrations/0001_*.sql")]
)


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: copy.parents[1].name)
def test_a_copy_is_the_original(copy):
    assert copy.name == ORIGINAL.name
    assert copy.read_text() == ORIGINAL.read_text()
