"""A users service on a PostgreSQL of its own, empty for every test."""

import psycopg
import pytest
from running import Gateway, environment, live_service, make_keys

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


@pytest.fixture(scope="session")
def urls(make_database):
    return make_database("users", MIGRATIONS)


@pytest.fixture(scope="session")
def env(keys_folder, signer, urls):
    return environment(keys_folder, urls.runtime)


@pytest.fixture(scope="session")
def settings(env):
    return load(Settings, PREFIX, env)


@pytest.fixture(scope="session")
def shared_database(settings):
    database = Database(settings, Transaction)
    yield database
    database.close()


@pytest.fixture
def postgres(shared_database, urls):
    with psycopg.connect(urls.owner) as conn:
        conn.execute("TRUNCATE users, sessions, revocations, notifications, outbox, inbox")
    return shared_database


@pytest.fixture(scope="session")
def app(settings, shared_database):
    return create_app(settings, database=shared_database)


@pytest.fixture
def gateway(app, signer, postgres):
    return Gateway(app.test_client(use_cookies=False), signer)


@pytest.fixture(scope="session")
def live(env, tmp_path_factory):
    with live_service(env, tmp_path_factory.mktemp("live"), "gevent") as live:
        yield live
