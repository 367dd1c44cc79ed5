"""gunicorn's worker of the gateway: the public front on the bare event loop, the own pages through Flask beside it."""

import logging
import os
import resource
import signal
import time
from types import FrameType

import gevent
import gevent.socket
from gevent.pywsgi import WSGIServer
from gunicorn.workers.base import Worker

from chassis import health, listening
from chassis.gunicorn_defaults import DRAIN_VARIABLE, LINGER_VARIABLE
from chassis.in_flight import in_flight
from chassis.samples import Level
from gateway.app import NAME
from gateway.channel import RawSocket, Reactor
from gateway.front.server import Server

_log = logging.getLogger(__name__)
_BEAT_SECONDS = 1.0
_LOOK_SECONDS = 0.1
_HANDSHAKE_SECONDS = 0.1


class GatewayWorker(Worker):  # type: ignore[misc]
    """Serves the last bound address with the Flask app, and all others with its data path."""

    def init_process(self) -> None:
        gevent.reinit()  # the loop of the process this one was forked from is not ours
        self.hurried = False
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the process above is told, also with all of its group

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.alive = False

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        self.alive = False
        self.hurried = True

    def run(self) -> None:
        """Serve until told to stop, then end without losing what was let in."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a shell's 1024 are fewer than the clients
        reactor = Reactor()
        data_path = self.wsgi.extensions[NAME]
        handler = data_path.open(reactor)
        *public, own = [each.sock.detach() for each in self.sockets]
        servers = [Server(reactor, RawSocket(fileno=each), handler, data_path.limits) for each in public]
        gevent.spawn(self._beat, servers)
        pages = WSGIServer(gevent.socket.socket(fileno=own), self.wsgi, log=None, error_log=_log)
        for server in [*servers, pages]:
            server.start()
        while self.alive and self.ppid == os.getppid():
            gevent.sleep(_LOOK_SECONDS)
            if data_path.follow():
                handler.use(data_path.current.routes)
        self._stop(servers)
        handler.close()
        pages.stop(timeout=1)

    def _stop(self, servers: list[Server]) -> None:
        health.of(self.wsgi).drain()
        for server in servers:
            server.announce_end()
        linger = time.monotonic() + float(os.environ[LINGER_VARIABLE])
        while time.monotonic() < linger and not self.hurried:
            gevent.sleep(_LOOK_SECONDS)
        listeners = [server.listener for server in servers]
        if not listening.held_by(self.ppid, listeners):
            listening.refuse_new(listeners)
            gevent.sleep(_HANDSHAKE_SECONDS)  # those that had begun go on to be accepted
        for server in servers:
            server.stop_accepting()
        until = time.monotonic() + (0.5 if self.hurried else float(os.environ[DRAIN_VARIABLE]))
        cut = sum(server.drain(until - time.monotonic()) for server in servers)
        if cut:
            _log.warning("stopped with requests in hand", extra={"connections": cut})

    def _beat(self, servers: list[Server]) -> None:
        level = Level(in_flight)
        while True:
            self.notify()
            level.tell(sum(server.in_flight for server in servers))
            gevent.sleep(_BEAT_SECONDS)
