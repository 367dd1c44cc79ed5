"""The users service as tests run it: its settings, and who may call it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.assertions import Signer, generate_key
from users.keys import new_private_key

PASSWORD = "correct horse battery"


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


@dataclass
class Gateway:
    """Calls the service as the gateway does."""

    client: FlaskClient
    signer: Signer

    def headers(self, user: UUID | str | None = None, roles: tuple[str, ...] = ()) -> dict[str, str]:
        subject = None if user is None else str(user)
        return {"Authorization": f"Bearer {self.signer.sign('users', subject, {'roles': list(roles)})}"}

    def call(
        self, method: str, path: str, *, user: UUID | str | None = None, admin: bool = False, **options: Any
    ) -> TestResponse:
        headers = self.headers(user, ("admin",) if admin else ()) | options.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **options)

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
