"""localstripe, a Stripe server that nobody here wrote, in a process of its own, and what makes our requests fit it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlencode

import requests
from samples import API_KEY

from chassis.testing.waiting import until

# It refuses what it does not know, and these of Stripe's parameters it does not; it lists everything it ever saw.
UNKNOWN = ("automatic_payment_methods", "error_on_requires_action", "created")


@contextmanager
def live_localstripe(folder: Path) -> Iterator[str]:
    """Run localstripe and yield the address at which it takes what we send.

    Good for the shapes of requests and answers. It ignores idempotency keys: no witness against double charges.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    options = ["--no-control-socket", "-k", "aiohttp.GunicornWebWorker", "-b", bind]
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "localstripe.server:app"],
            cwd=folder,  # ours has a gunicorn.conf.py
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        until(lambda: _answers(f"http://{bind}"), timeout_seconds=20, failing=(folder / "output").read_text)
        with _narrowing(f"http://{bind}") as url:
            yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _narrowing(target: str) -> Iterator[str]:
    """Pass requests on without the parameters that the target does not know."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on("")

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())

        def _pass_on(self, body: str) -> None:
            path, _, query = self.path.partition("?")
            answer = requests.request(
                self.command,
                f"{target}{path}?{known(query)}",
                data=known(body),
                headers={
                    "Authorization": self.headers["Authorization"],
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                timeout=10,
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def known(form: str) -> str:
    pairs = parse_qsl(form, keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name.partition("[")[0] not in UNKNOWN])


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/v1/refunds", auth=(API_KEY, ""), timeout=2).ok
    except requests.RequestException:
        return False
