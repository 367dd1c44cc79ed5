"""The users service as tests run it: its settings, and who may call it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.assertions import Signer, generate_key
from chassis.testing.waiting import until
from users.keys import new_private_key

PASSWORD = "correct horse battery"
SERVICE_FOLDER = Path(__file__).parents[1]


def environment(folder: Path, db_url: str, **changed: str) -> dict[str, str]:
    """The USERS_* variables of a service whose files are in `folder`."""
    return {
        "USERS_DB_URL": db_url,
        "USERS_TRUST_BUNDLE_FILE": str(folder / "trust-bundle.json"),
        "USERS_SIGNING_KEY_FILE": str(folder / "users.jwk"),
        "USERS_TOKEN_KEYS_FILE": str(folder / "token-keys.json"),
        **{f"USERS_{name.upper()}": value for name, value in changed.items()},
    }


def make_keys(folder: Path) -> Signer:
    """Write the files a service reads, and return who signs for the gateway."""
    private, public = generate_key("gateway")
    own, own_public = generate_key("users")
    folder.joinpath("trust-bundle.json").write_text(json.dumps({"keys": [public, own_public]}))
    folder.joinpath("users.jwk").write_text(json.dumps(own))
    folder.joinpath("token-keys.json").write_text(json.dumps({"keys": [new_private_key()]}))
    return Signer(private, "gateway")


def headers(signer: Signer, user: UUID | str | None = None, roles: tuple[str, ...] = ()) -> dict[str, str]:
    """What the gateway sends along for a user, or for nobody in particular."""
    subject = None if user is None else str(user)
    return {"Authorization": f"Bearer {signer.sign('users', subject, {'roles': list(roles)})}"}


@dataclass
class Gateway:
    """Calls the service as the gateway does."""

    client: FlaskClient
    signer: Signer

    def call(
        self, method: str, path: str, *, user: UUID | str | None = None, admin: bool = False, **options: Any
    ) -> TestResponse:
        vouched = headers(self.signer, user, ("admin",) if admin else ())
        return self.client.open(path, method=method, headers=vouched | options.pop("headers", {}), **options)

    def register(self, email: str = "ada@example.com", name: str = "Ada") -> dict[str, Any]:
        answer = self.call("POST", "/api/v1/users", json={"email": email, "password": PASSWORD, "name": name})
        assert answer.status_code == 201, answer.json
        return answer.json

    def token(self, **form: str) -> TestResponse:
        return self.call("POST", "/api/v1/auth/token", data=form)

    def sign_in(self, client_id: str = "mobile", **form: str) -> TestResponse:
        known = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD}
        return self.token(**known | {"client_id": client_id} | form)

    def refresh(self, refresh_token: str) -> TestResponse:
        return self.token(grant_type="refresh_token", client_id="mobile", refresh_token=refresh_token)


@dataclass(frozen=True)
class Live:
    """A service behind gunicorn: its address, and the file it logs to."""

    url: str
    log: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command: list[str], env: Mapping[str, str], log: Path, ready_url: str) -> Iterator[None]:
    """Run a module of the service until the end of the block; it logs to a file."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=dict(env),
            cwd=SERVICE_FOLDER,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: answers(ready_url), timeout_seconds=20, failing=log.read_text)
        yield
    finally:
        process.terminate()
        assert process.wait(20) == 0, log.read_text()


@contextmanager
def live_service(env: Mapping[str, str], folder: Path, worker_class: str) -> Iterator[Live]:
    """Run the web processes under gunicorn."""
    address = f"127.0.0.1:{free_port()}"
    live = Live(f"http://{address}", folder / "log")
    told = {**env, "USERS_BIND": address, "USERS_WEB_WORKER_CLASS": worker_class}
    with running(
        ["gunicorn", "-c", "gunicorn.conf.py", "users.wsgi:app"], told, live.log, f"{live.url}/readyz"
    ):
        yield live


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False
