"""Where a web process lets clients in: its own address, under TLS or not, and one for probes beside it."""

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from chassis.connection import Connection, Patience
from chassis.errors import NotFound
from chassis.gunicorn_defaults import PROBE_VARIABLE
from chassis.ids import new_id
from chassis.problems import MEDIA_TYPE, problem_bytes
from chassis.tls_settings import credentials_in
from chassis.wsgi_wire import WsgiApp

PROBES = frozenset({"/livez", "/readyz", "/metrics"})


class Door(Protocol):
    """A listening socket's way to serve who comes."""

    def let_in(
        self,
        client: socket.socket,
        environ: dict[str, Any],
        closing: Callable[[], bool],
        patience: Patience,
    ) -> Connection:
        """Return the connection of a client that was accepted."""

    def look(self) -> None:
        """Look after what may have changed; called about once a second."""


def doors_of(app: WsgiApp, listeners: Sequence[socket.socket]) -> dict[socket.socket, Door]:
    """Return the door of each listening socket of a process."""
    own: Door = PlainDoor(app)
    if (credentials := credentials_in(app)) is not None:
        from chassis.tls_door import TlsDoor  # who speaks plainly does without

        own = TlsDoor(app, credentials)
    doors = dict.fromkeys(listeners, own)
    if os.environ.get(PROBE_VARIABLE):
        doors[listeners[-1]] = PlainDoor(only_probes(app))
    return doors


class PlainDoor:
    """Connections as they come."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def let_in(
        self,
        client: socket.socket,
        environ: dict[str, Any],
        closing: Callable[[], bool],
        patience: Patience,
    ) -> Connection:
        return Connection(client, environ, self._app, closing, patience)

    def look(self) -> None:
        pass


def only_probes(app: WsgiApp) -> WsgiApp:
    """Return an app that answers what probes ask and nothing else."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in PROBES:
            return app(environ, start)
        body = problem_bytes(NotFound(), str(new_id()))
        start("404 Not Found", [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(body)))])
        return [body]

    return answer
