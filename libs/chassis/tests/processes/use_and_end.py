"""A process that asks its database once and ends; says how many threads were left to the interpreter's end.
Argument: database URL."""

import atexit
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import boxes

atexit.register(lambda: print(threading.active_count()))  # noqa: T201  # registered first, called last
boxes.open_boxes(sys.argv[1]).ping()
