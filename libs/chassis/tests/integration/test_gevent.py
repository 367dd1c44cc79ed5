"""The data half of the chassis under gevent."""

import subprocess
import sys
from pathlib import Path

PROCESSES = Path(__file__).parent.parent / "processes"
GREENLETS, WAITS = PROCESSES / "greenlets.py", PROCESSES / "greenlet_waits.py"


def test_greenlets_share_a_small_pool_and_each_key_has_one_effect(urls):
    subprocess.run([sys.executable, GREENLETS, urls.runtime], check=True, timeout=30)


def test_a_greenlet_waits_for_postgresql_with_a_bound_and_alone(urls):
    subprocess.run([sys.executable, WAITS, urls.runtime], check=True, timeout=60)
