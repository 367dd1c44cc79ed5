"""A WSGI app behind a real socket, in threads of the test's own process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chassis.connection import Connection, Patience

ENVIRON = {
    "wsgi.url_scheme": "http",
    "wsgi.input_terminated": True,
    "SCRIPT_NAME": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "REMOTE_ADDR": "127.0.0.1",
}


@contextmanager
def live(app) -> Iterator[str]:
    """Serve an app for a block; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener, app), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def accept(listener: socket.socket, app) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        connection = Connection(client, ENVIRON, app, lambda: False, Patience())
        threading.Thread(target=connection.serve, daemon=True).start()


@contextmanager
def connected(app, patience: Patience, closing=lambda: False) -> Iterator[socket.socket]:
    """Serve one connection for a block; gives the client's end."""
    client, server = socket.socketpair()
    thread = threading.Thread(target=Connection(server, ENVIRON, app, closing, patience).serve, daemon=True)
    thread.start()
    with client:
        client.settimeout(5)
        yield client
    thread.join(5)
    assert not thread.is_alive()
