"""gunicorn's worker and logger for every service: greenlets or threads, one for each connection.

Why not gunicorn's own workers: gthread waits without bound for a half-sent request, both lose requests when
they stop, and parsing and the WSGI environment cost them more than Flask does (figures in the README).
"""

import logging
import os
import select
import socket
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import FrameType
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker as GunicornWorker

from chassis import listening, log_lines
from chassis.connection import Connection, Patience
from chassis.doors import doors_of
from chassis.gunicorn_defaults import DRAIN_VARIABLE, LINGER_VARIABLE

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 1.0  # for pooled connections to be used once more, and told that it was the last time


class Worker(GunicornWorker):  # type: ignore[misc]
    """Accepts connections and serves each in a thread: a greenlet where gevent has patched the standard
    library."""

    def init_process(self) -> None:
        self.closing = False
        self.hurried = False
        self.patience = Patience(idle_seconds=self.cfg.keepalive)
        self.connections: set[Connection] = set()
        self.places = threading.BoundedSemaphore(self.cfg.worker_connections)
        self.threads = ThreadPoolExecutor(self.cfg.worker_connections, thread_name_prefix="connection")
        self.sockets = [socket.socket(fileno=each.sock.detach()) for each in self.sockets]
        log_lines.gather()
        super().init_process()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.alive = False

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        self.alive = False
        self.hurried = True

    def run(self) -> None:
        self.doors = doors_of(self.wsgi, self.sockets)
        for listener in self.sockets:
            listener.setblocking(False)
        while self.alive and self.ppid == os.getppid():
            self.accept(1.0)
            for door in self.doors.values():
                door.look()
        self.stop()

    def accept(self, seconds: float) -> None:
        """Wait for clients and begin to serve them, for about so many seconds."""
        self.notify()
        if not self.places.acquire(timeout=seconds):
            return  # every place is taken: who comes now waits in the backlog
        self.places.release()
        try:
            readable = select.select([*self.sockets, self.PIPE[0]], [], [], seconds)[0]
        except InterruptedError:
            return
        for listener in readable:
            if listener is self.PIPE[0]:
                os.read(self.PIPE[0], 1024)
            else:
                self.accept_from(listener)

    def accept_from(self, listener: socket.socket) -> None:
        """Begin to serve one client, if there is a place for it."""
        if not self.places.acquire(blocking=False):
            return
        try:
            client, address = listener.accept()
        except OSError:
            self.places.release()
            return  # a sibling was faster, or the client is gone already
        connection = self.doors[listener].let_in(
            client, self.environ_of(listener, address), self.is_closing, self.patience
        )
        self.connections.add(connection)
        self.threads.submit(connection.serve).add_done_callback(partial(self.served, connection))

    def served(self, connection: Connection, outcome: "Future[None]") -> None:
        self.connections.discard(connection)
        self.places.release()
        if failure := outcome.exception():  # Flask answers for the app's errors: this is a fault of our own
            _log.error("connection failed", exc_info=failure)

    def is_closing(self) -> bool:
        return self.closing

    def environ_of(self, listener: socket.socket, address: Any) -> dict[str, Any]:
        """Return the WSGI variables that all requests of a connection share."""
        own, peer = listener.getsockname(), address
        name, port = own[:2] if isinstance(own, tuple) else ("localhost", 80)
        return {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "SCRIPT_NAME": "",
            "SERVER_NAME": name,
            "SERVER_PORT": str(port),
            "REMOTE_ADDR": peer[0] if isinstance(peer, tuple) and peer else "",
        }

    def stop(self) -> None:
        """Readiness off, serve on for the linger time, accept what was let in, finish what is in hand,
        bounded."""
        self.closing = True
        if readiness := getattr(self.wsgi, "extensions", {}).get("chassis_readiness"):
            readiness.drain()
        linger = 0.0 if self.hurried else float(os.environ[LINGER_VARIABLE])
        drain = 0.5 if self.hurried else float(os.environ[DRAIN_VARIABLE])
        began = time.monotonic()
        while time.monotonic() < began + linger and not self.hurried:
            self.accept(0.1)
        until = time.monotonic() + drain
        self.stop_listening(until)
        self.wait_for_end(min(until, max(time.monotonic(), began + _IDLE_SECONDS)))
        for connection in self.connections.copy():
            if connection.idle:
                connection.interrupt()
        self.wait_for_end(until)
        if self.connections:
            _log.warning("stopped with requests in hand", extra={"connections": len(self.connections)})
            logging.shutdown()
            os._exit(0)  # their threads would be waited for

    def stop_listening(self, until: float) -> None:
        if not listening.held_by(self.ppid, self.sockets):
            listening.refuse_new(self.sockets)
            listening.accept_the_rest(self.sockets, self.accept, until)
        for listener in self.sockets:
            listener.close()

    def wait_for_end(self, until: float) -> None:
        while self.connections and time.monotonic() < until:
            self.notify()
            time.sleep(0.02)


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own messages as JSON lines with the service's; its access log is off: the app writes that
    line."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
