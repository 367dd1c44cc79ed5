"""Tasks: they are run again when they fail, and stop when asked to."""

import asyncio
import logging

import pytest

from chassis.broker import Broker, BrokerUnavailable
from chassis.stopping import Stop
from chassis.tasks import Every, keep_running

BROKER = Broker("nats://127.0.0.1:1", "test")


class Flaky:
    """Fails in the given ways, one each run, and then asks for the stop."""

    name = "flaky"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.runs = 0

    async def run(self, broker: Broker, stop: Stop) -> None:
        self.runs += 1
        if self.failures:
            raise self.failures.pop(0)
        stop.ask()


def test_a_failed_task_is_run_again():
    task = Flaky(ZeroDivisionError(), BrokerUnavailable())
    asyncio.run(keep_running(task, BROKER, Stop()))
    assert task.runs == 3


def test_what_is_down_is_told_in_a_line_and_a_mistake_with_its_traceback(caplog):
    asyncio.run(keep_running(Flaky(ZeroDivisionError(), BrokerUnavailable()), BROKER, Stop()))
    mistake, outage = caplog.records
    assert (mistake.levelno, bool(mistake.exc_info)) == (logging.ERROR, True)
    assert (outage.levelno, bool(outage.exc_info)) == (logging.WARNING, False)


def test_a_cancelled_task_is_not_run_again():
    async def main() -> None:
        running = asyncio.create_task(keep_running(Every("idle", 60, list), BROKER, Stop()))
        await asyncio.sleep(0)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_periodic_work_goes_on_after_a_failure():
    calls = []

    async def main() -> None:
        stop = Stop()

        def work() -> None:
            calls.append(1)
            if len(calls) == 3:
                loop.call_soon_threadsafe(stop.ask)
            raise ZeroDivisionError

        loop = asyncio.get_running_loop()
        await Every("failing", 0, work).run(BROKER, stop)

    asyncio.run(main())
    assert len(calls) == 3
