"""One address that stays while instances come and go, as that of a Service in Kubernetes: a process of its own, for who
serves must not wait for those who ask.

`python -m rolling.address PORT FILE` passes each connection on to the port that the file names at that moment.
"""

import asyncio
import os
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

PIECE = 65536


class Address:
    """The address http://127.0.0.1:`port`, behind which nobody is until `face` names somebody."""

    def __init__(self, port: int, file: Path) -> None:
        self.port = port
        self._file = file
        self.face(0)
        command = [sys.executable, "-m", "rolling.address", str(port), str(file)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).parents[1])

    def face(self, port: int) -> None:
        """Pass new connections on to this port from now on."""
        beside = self._file.with_suffix(".new")
        beside.write_text(str(port))
        os.replace(beside, self._file)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


async def serve(port: int, file: Path) -> None:
    """Pass connections on for ever."""

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", int(file.read_text()))
            with closing(back):
                ways = [asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))]
                _, open_ones = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for each in open_ones:  # where one side has ended, the other one has nobody to talk to
                    each.cancel()

    async with await asyncio.start_server(passed_on, "127.0.0.1", port, backlog=512) as server:
        await server.serve_forever()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, until its end."""
    with suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
