"""The client's connection under a request: to wait on while it is open, and to cut without an answer."""

import selectors
import socket
from collections.abc import Mapping
from typing import Any


class Line:
    """The socket gunicorn took a request from."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._socket: socket.socket = environ["gunicorn.socket"]

    def wait(self, seconds: float) -> None:
        """Return when the time is over, or before that when the client hangs up."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.select(seconds)

    def cut(self) -> None:
        """Close both directions; whatever is written to the connection after this goes nowhere."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client was faster
