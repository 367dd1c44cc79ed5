"""The chassis' own migrations are in every service's folder, word for word, each under a number of that service's."""

from pathlib import Path

import pytest

import chassis

ORIGINALS = sorted((Path(chassis.__file__).parent / "sql").glob("[0-9]*.sql"))
PROJECT = Path(__file__).parents[2]
FOLDERS = sorted(
    {
        file.parent
        for file in [*PROJECT.glob("tests/migrations/*.sql"), *PROJECT.parents[1].glob("*/migrations/*.sql")]
    }
)


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda original: original.stem)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_a_copy_is_the_original(folder, original):
    [copy] = folder.glob(f"[0-9]*_{original.name.partition('_')[2]}")
    assert copy.read_text() == original.read_text()


def test_what_the_chassis_keeps_comes_first():
    assert all((folder / ORIGINALS[0].name).exists() for folder in FOLDERS)
