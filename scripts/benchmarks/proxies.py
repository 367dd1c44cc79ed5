"""The peers of the gateway: servers from Debian and textbook programs, each before any service that is named."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.laboratory import Laboratory
from benchmarks.programs import free_port, running
from benchmarks.tools import program

PEERS = Path(__file__).parent / "peers"
PUBLIC_KEY = """
import json, sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from users.tokens import read_private_keys
key = read_private_keys(Path(sys.argv[1]))[0].key.public_key()
sys.stdout.write(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
"""


def filled(template: str, place: Path, **values: object) -> Path:
    """Write a configuration of peers/ with its @NAMES@ replaced into a folder."""
    text = (PEERS / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    (place / template).write_text(text)
    return place / template


@contextlib.contextmanager
def nginx(lab: Laboratory, service: str, template: str = "nginx_proxy.conf") -> Iterator[str]:
    """Run nginx with a configuration; gives its address."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        port, place = free_port(), Path(folder)
        file = filled(template, place, FOLDER=folder, PORT=port, SERVICE=urlsplit(service).netloc)
        command = [program("nginx"), "-p", folder, "-c", file, "-e", "stderr"]
        with running(command, port, lab.logs / "nginx.log", place):
            yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def caddy(lab: Laboratory, service: str) -> Iterator[str]:
    """Run Caddy as a plain proxy; gives its address."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        port, place = free_port(), Path(folder)
        file = filled("Caddyfile", place, PORT=port, SERVICE=urlsplit(service).netloc)
        command = [program("caddy"), "run", "--config", file, "--adapter", "caddyfile"]
        home = {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
        with running(command, port, lab.logs / "caddy.log", place, home):
            yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def haproxy(lab: Laboratory, service: str) -> Iterator[str]:
    """Run HAProxy, which verifies access tokens of the stack's users service; gives its address."""
    with tempfile.TemporaryDirectory(prefix="souk-bench-") as folder:
        port, place = free_port(), Path(folder)
        command = [lab.places.python("users"), "-c", PUBLIC_KEY, lab.places.keys / "token-keys.json"]
        pem = subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout
        (place / "users.pem").write_text(pem)
        file = filled(
            "haproxy.cfg",
            place,
            PORT=port,
            SERVICE=urlsplit(service).netloc,
            KEY=place / "users.pem",
            ISSUER=lab.gateway_url,
            AUDIENCE="souk",
        )
        with running([program("haproxy"), "-db", "-f", file], port, lab.logs / "haproxy.log", place):
            yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def textbook(lab: Laboratory, service: str) -> Iterator[str]:
    """Run Flask + requests.request on gunicorn's threads; gives its address."""
    port = free_port()
    command = [
        lab.peers / "gunicorn",
        "-b",
        f"127.0.0.1:{port}",
        "-w",
        "2",
        "-k",
        "gthread",
        "--threads",
        "32",
    ]
    command += ["--no-control-socket", "textbook_gateway:app"]
    with running(command, port, lab.logs / "textbook.log", PEERS, {"SERVICE_URL": service}):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def fastapi(lab: Laboratory, service: str) -> Iterator[str]:
    """Run FastAPI + httpx under uvicorn with uvloop and httptools; gives its address."""
    port = free_port()
    command = [lab.peers / "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    command += ["--no-access-log", "fastapi_gateway:app"]
    with running(command, port, lab.logs / "fastapi.log", PEERS, {"SERVICE_URL": service}):
        yield f"http://127.0.0.1:{port}"
