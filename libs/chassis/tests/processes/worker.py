"""A worker of boxes: a relay and a consumer of its own events.

Arguments: database URL, broker URL, bind address, and perhaps "stuck" for a task that does not end.
"""

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent.parent))
import boxes
import shelves

from chassis.outbox import Relay
from chassis.worker import Every, Worker


def fail() -> None:
    raise ZeroDivisionError


database_url, broker_url, bind, *more = sys.argv[1:]
database = boxes.open_boxes(database_url)
settings = SimpleNamespace(
    nats_url=broker_url,
    nats_replicas=1,
    worker_bind=bind,
    shutdown_drain_seconds=2.0,
    log_level="INFO",
    release="dev",
    otlp_endpoint="",
    otlp_headers="",
    otlp_certificate="",
)
worker = Worker("boxes", settings, checks={"database": database.ping})
worker.add(Relay("boxes", database)).add(shelves.consumer(database)).add(Every("failing", 0.1, fail))
if "stuck" in more:
    worker.add(Every("stuck", 0, threading.Event().wait))
worker.run()
