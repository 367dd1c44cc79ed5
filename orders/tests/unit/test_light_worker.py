"""The worker does without what only the web processes need: 12 MB of a process."""

import subprocess
import sys

IMPORTED = (
    "import sys, orders.worker; print(*{'flask', 'werkzeug', 'jinja2', 'apispec', 'gevent'} & {*sys.modules})"
)


def test_the_worker_imports_nothing_of_the_web():
    told = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, check=True, text=True)
    assert told.stdout.split() == []
