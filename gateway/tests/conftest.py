"""What tests share: the chassis' fixtures, and an issuer of access tokens."""

import pytest
from issuing import Issuer
from redis_server import Valkey

pytest_plugins = ["chassis.testing.plugin"]


@pytest.fixture(scope="session")
def issuer():
    return Issuer()


@pytest.fixture
def valkey(tmp_path):
    server = Valkey(tmp_path)
    yield server
    if server.process.poll() is None:
        server.stop()
