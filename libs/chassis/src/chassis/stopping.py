"""Stopping: how a worker asks its tasks to end."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

V = TypeVar("V")


class Stop:
    """The request to stop: tasks ask for it between two pieces of work, and wait no longer than until it
    comes."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask all tasks to stop."""
        self._asked.set()

    async def wait(self) -> None:
        """Wait until a stop is asked for."""
        await self._asked.wait()

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds, or until a stop is asked for."""
        await self.unless(asyncio.sleep(seconds))

    async def unless(self, waiting: Awaitable[V]) -> V | None:
        """Await something, but give it up, and return None, when a stop is asked for."""
        wanted = asyncio.ensure_future(waiting)
        stop = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({wanted, stop}, return_when=asyncio.FIRST_COMPLETED)
            return wanted.result() if wanted.done() else None
        finally:
            stop.cancel()
            if not wanted.done():
                wanted.cancel()
                await asyncio.wait({wanted})
