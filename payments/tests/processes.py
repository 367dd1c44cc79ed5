"""The service's own processes, started as they are in production."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import requests

from chassis.settings import Secret
from chassis.testing.waiting import until
from payments.settings import PREFIX, Settings

SERVICE_FOLDER = Path(__file__).parents[1]
WEB = (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "payments.wsgi:app")
WORKER = (sys.executable, "-m", "payments.worker")


class ServiceProcess:
    """One process of the service that can be killed and started again."""

    def __init__(self, command: tuple[str, ...], settings: Settings, output: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            bind = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{bind}"
        self._command = command
        self._environ = environ_of(dataclasses.replace(settings, bind=bind, worker_bind=bind))
        self._output = output

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=SERVICE_FOLDER,
                env=os.environ | self._environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(self._ready, timeout_seconds=30, failing=self._output.read_text)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        """Ask the process to end, and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(20)

    def log(self) -> str:
        return self._output.read_text()

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except requests.RequestException:
            return False


def environ_of(settings: Settings) -> dict[str, str]:
    """The environment that settings are read from."""
    told = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
    return {
        f"{PREFIX}{name.upper()}": value.reveal() if isinstance(value, Secret) else str(value)
        for name, value in told.items()
    }
