"""The data half of the chassis under gevent."""

import subprocess
import sys
from pathlib import Path

GREENLETS = Path(__file__).parent.parent / "processes" / "greenlets.py"


def test_greenlets_share_a_small_pool_and_each_key_has_one_effect(urls):
    subprocess.run([sys.executable, GREENLETS, urls.runtime], check=True, timeout=30)
