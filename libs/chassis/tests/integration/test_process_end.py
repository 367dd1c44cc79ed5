"""A process that ends leaves no pool to the interpreter, which would wait 10 seconds for its frozen
threads."""

import subprocess
import sys
from pathlib import Path

ENDING = Path(__file__).parent.parent / "processes" / "use_and_end.py"


def test_the_pool_is_closed_before_the_interpreter_ends(urls):
    ended = subprocess.run(
        [sys.executable, ENDING, urls.runtime], capture_output=True, text=True, check=True, timeout=30
    )
    assert (ended.stdout, ended.stderr) == ("1\n", "")
