"""A relay as a process of its own, to be killed; arguments: database URL, broker URL."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import boxes

from chassis.broker import Broker
from chassis.outbox import Relay
from chassis.stopping import Stop
from chassis.tasks import keep_running


async def main(database_url: str, broker_url: str) -> None:
    broker, stop = Broker(broker_url, "relay"), Stop()
    relay = Relay("boxes", boxes.open_boxes(database_url))
    await asyncio.gather(broker.run(stop), keep_running(relay, broker, stop))


asyncio.run(main(*sys.argv[1:]))
