"""The way into a web process under TLS: whoever shows no certificate that is believed stays outside."""

import socket
from collections.abc import Callable
from typing import Any

from chassis.connection import Connection, Patience
from chassis.tls import Credentials
from chassis.tls_socket import TlsSocket
from chassis.wsgi_wire import WsgiApp


class TlsDoor:
    """Connections under TLS. Those from before the newest certificate end with their next answer, so that nobody stays
    on the word of one that is gone."""

    def __init__(self, app: WsgiApp, credentials: Credentials) -> None:
        self._app = app
        self._credentials = credentials

    def let_in(
        self,
        client: socket.socket,
        environ: dict[str, Any],
        closing: Callable[[], bool],
        patience: Patience,
    ) -> Connection:
        environ["wsgi.url_scheme"] = "https"
        end = TlsSocket(client, self._credentials, environ["REMOTE_ADDR"])
        begun_in = self._credentials.generation

        def is_last() -> bool:
            return closing() or self._credentials.generation != begun_in

        return Connection(end, environ, self._app, is_last, patience)

    def look(self) -> None:
        self._credentials.follow()
