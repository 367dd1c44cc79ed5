"""A process that claims the key "k", says under which id, and hangs; argument: database URL."""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import boxes

from chassis.idempotency import Once

database = boxes.open_boxes(sys.argv[1])
once = Once(caller="ada", route="r", key="k", fingerprint=b"", present=lambda result: (201, b""))
with database.transaction() as tx:
    once.begin(tx)
print(once.id, flush=True)  # noqa: T201
signal.pause()
