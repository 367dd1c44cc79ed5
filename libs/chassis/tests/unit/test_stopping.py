"""How tasks are asked to stop."""

import asyncio
import time

import pytest

from chassis.stopping import Stop


def test_a_pause_ends_when_a_stop_is_asked_for():
    async def main() -> float:
        stop = Stop()
        asyncio.get_running_loop().call_later(0.01, stop.ask)
        began_at = time.monotonic()
        await stop.pause(60)
        return time.monotonic() - began_at

    assert asyncio.run(main()) < 10


def test_waiting_gives_its_result_or_what_it_raised():
    async def main() -> None:
        stop = Stop()
        assert await stop.unless(asyncio.sleep(0, "result")) == "result"
        with pytest.raises(ZeroDivisionError):
            await stop.unless(failing())

    async def failing() -> None:
        raise ZeroDivisionError

    asyncio.run(main())


def test_waiting_is_given_up_and_cleaned_up_at_a_stop():
    async def main() -> bool:
        stop, cleaned = Stop(), asyncio.Event()

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.set()

        asyncio.get_running_loop().call_later(0.01, stop.ask)
        assert await stop.unless(forever()) is None
        return cleaned.is_set()

    assert asyncio.run(main())
