"""A web process does without what only workers need, and a worker without what only web processes need."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("chassis.web, chassis.api, chassis.postgres, chassis.peers", {"nats"}),
        ("chassis.worker, chassis.outbox, chassis.messaging, chassis.housekeeping", {"flask", "gevent"}),
    ],
)
def test_a_kind_of_process_imports_what_it_needs(modules, unwanted):
    program = f"import sys, {modules}; print(*{unwanted!r} & {{*sys.modules}})"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert told.stdout.split() == []
