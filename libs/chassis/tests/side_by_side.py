"""Tasks running in a thread beside the test, as a worker would run them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.broker import Broker
from chassis.stopping import Stop
from chassis.tasks import Task, keep_running


@contextmanager
def running_tasks(nats_url: str, *tasks: Task) -> Iterator[Broker]:
    """Run tasks for a block; at its end they are asked to stop, and must."""
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop, broker = Stop(), Broker(nats_url, "test")

    async def main() -> None:
        asyncio.get_running_loop().call_soon(started.set)
        end_of_broker = Stop()
        connection = asyncio.create_task(broker.run(end_of_broker))
        await asyncio.gather(*(keep_running(task, broker, stop) for task in tasks))
        end_of_broker.ask()
        await connection
        await broker.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        started.wait(5)
        yield broker
    finally:
        loop.call_soon_threadsafe(stop.ask)
        thread.join(20)
        assert not thread.is_alive(), "the tasks do not stop"
        loop.close()
