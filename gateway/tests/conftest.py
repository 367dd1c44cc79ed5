"""What tests share: the chassis' fixtures, and an issuer of access tokens."""

import pytest
from issuing import Issuer

pytest_plugins = ["chassis.testing.plugin"]


@pytest.fixture(scope="session")
def issuer():
    return Issuer()
