import subprocess
import sys

import jwt
import pytest
from running import PASSWORD, SERVICE_FOLDER


@pytest.fixture
def admin(env, postgres):
    def run(email="admin@example.com", *, typed="", **told):
        command = [sys.executable, "-m", "users.admin", email]
        return subprocess.run(
            command,
            env=env | told,
            input=typed,
            cwd=SERVICE_FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_administrator_is_made_and_made_again_without_harm(admin, gateway):
    first, second = (admin(USERS_ADMIN_PASSWORD=PASSWORD) for _ in range(2))
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    token = gateway.sign_in(username="admin@example.com").json["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["roles"] == ["admin"]


def test_the_password_may_come_by_standard_input(admin, gateway):
    assert admin(typed=PASSWORD).returncode == 0
    assert gateway.sign_in(username="admin@example.com").status_code == 200


@pytest.mark.parametrize(("email", "password"), [("admin", PASSWORD), ("admin@example.com", "canary")])
def test_what_nobody_could_register_with_is_refused(admin, email, password):
    refused = admin(email, USERS_ADMIN_PASSWORD=password)
    assert refused.returncode == 2
    assert password not in refused.stdout + refused.stderr
