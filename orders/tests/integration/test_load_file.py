"""Loading a catalogue into a real database, with the command of the image."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment

HEADER = "sku,name,description,category,price,stock\n"


@pytest.fixture
def load(settings, tmp_path):
    """Load rows, and give the process that did."""

    def load(*rows: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "catalogue.csv"
        path.write_text(HEADER + "\n".join(rows) + "\n")
        return subprocess.run(
            [sys.executable, "-m", "orders.catalogue", str(path)],
            env=environment(settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return load


def test_a_file_is_loaded_whole_or_not_at_all(load, catalogue, tmp_path: Path):
    good = [f"TEA-{number},Tea {number},,tea,{number + 1},5" for number in range(300)]
    first = load(*good)
    assert (first.returncode, first.stdout) == (0, "Products: 300 added, 0 changed, 0 unchanged.\n")
    second = load(*good[:200], "NEW-1,Tea,,,1,1", "NEW-2,Tea,,,0,1")
    assert (second.returncode, second.stdout) == (1, "")
    assert "line 203, price:" in second.stderr
    assert [each.sku for each in catalogue.products(None, 1000).items] == [row.split(",")[0] for row in good]
