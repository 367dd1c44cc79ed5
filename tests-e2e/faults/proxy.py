"""A small proxy for TCP and unix sockets, put between two parts, that misbehaves as it is told."""

import contextlib
import select
import socket
import threading
import time
from pathlib import Path
from typing import Literal

Mode = Literal["through", "delay", "cut", "drip", "swallow", "refuse"]
MODES: tuple[Mode, ...] = ("delay", "cut", "drip", "swallow", "refuse")
PIECE = 64 * 1024
DELAY_SECONDS = 0.7
DRIP_SECONDS = 0.05
CUT_AFTER_BYTES = 40
LOOK_SECONDS = 0.2
Address = tuple[str, int] | Path


class Proxy:
    """Listens on a free port (or a unix socket) and passes on to `target`.

    `delay` holds back each piece of an answer, `cut` ends the connection in the middle of an answer, `drip` passes
    answers on byte by byte, `swallow` takes requests and answers nothing, `refuse` takes no connection.
    """

    def __init__(self, target: Address, place: Path | None = None) -> None:
        self.target = target
        self.mode: Mode = "through"
        self._listener = socket.socket(socket.AF_INET if place is None else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if place is None else str(place))
        self._listener.listen(128)
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def close(self) -> None:
        self._open = False
        self._listener.close()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self.mode == "refuse":
                return
            family = socket.AF_UNIX if isinstance(self.target, Path) else socket.AF_INET
            with socket.socket(family) as server:
                server.connect(str(self.target) if isinstance(self.target, Path) else self.target)
                self._pass(client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        swallowed = False
        while self._open:
            readable, _, _ = select.select([client, server], [], [], LOOK_SECONDS)
            # Behind a piece that is missing nothing makes sense any more.
            if self.mode == "refuse" or (swallowed and self.mode != "swallow"):
                return
            for side in readable:
                data = side.recv(PIECE)
                if not data:
                    return
                if self.mode == "swallow":
                    swallowed = True
                elif side is client:
                    server.sendall(data)
                elif not self._answer(client, data):
                    return

    def _answer(self, client: socket.socket, data: bytes) -> bool:
        """Pass on a piece of an answer; False where that ends the connection."""
        if self.mode == "delay":
            time.sleep(DELAY_SECONDS)
        elif self.mode == "cut":
            client.sendall(data[: min(CUT_AFTER_BYTES, len(data) // 2)])
            return False
        elif self.mode == "drip":
            for number in range(len(data)):
                if self.mode != "drip":
                    client.sendall(data[number:])
                    return True
                client.sendall(data[number : number + 1])
                time.sleep(DRIP_SECONDS)
            return True
        client.sendall(data)
        return True
