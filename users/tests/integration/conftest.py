"""A users service on a PostgreSQL of its own."""

import pytest
from running import Gateway, environment, make_keys

from chassis.postgres import Database
from chassis.settings import load
from users.app import MIGRATIONS, create_app
from users.postgres import Transaction
from users.settings import PREFIX, Settings


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def signer(keys_folder):
    return make_keys(keys_folder)


@pytest.fixture
def urls(make_database):
    return make_database("users", MIGRATIONS)


@pytest.fixture
def env(keys_folder, signer, urls):
    return environment(keys_folder, urls.runtime)


@pytest.fixture
def settings(env):
    return load(Settings, PREFIX, env)


@pytest.fixture
def postgres(settings):
    database = Database(settings, Transaction)
    yield database
    database.close()


@pytest.fixture
def gateway(settings, signer):
    return Gateway(create_app(settings).test_client(use_cookies=False), signer)
