"""Fixtures of the integration tests: an empty database of boxes, a second one, servers of one's own."""

from collections.abc import Iterator

import boxes
import pytest

from chassis.testing.keys import Keys
from chassis.testing.plugin import DatabaseUrls
from chassis.testing.servers import NatsServer, PostgresServer, running


@pytest.fixture(scope="session")
def key_files(tmp_path_factory) -> dict[str, str]:
    """The settings that name files, for commands that have to be told of them."""
    keys = Keys(tmp_path_factory.mktemp("keys"), "boxes")
    return {
        "TRUST_BUNDLE_FILE": str(keys.trust_bundle_file),
        "SIGNING_KEY_FILE": str(keys.signing_key_file("boxes")),
    }


@pytest.fixture(scope="session")
def two_databases(make_database) -> tuple[DatabaseUrls, DatabaseUrls]:
    return make_database("boxes", boxes.MIGRATIONS), make_database("boxes", boxes.MIGRATIONS)


@pytest.fixture
def urls(two_databases) -> DatabaseUrls:
    boxes.empty(two_databases[0].owner)
    return two_databases[0]


@pytest.fixture
def database(urls) -> Iterator[boxes.Boxes]:
    """The producer's database."""
    opened = boxes.open_boxes(urls.runtime)
    yield opened
    opened.close()


@pytest.fixture
def other_urls(two_databases) -> DatabaseUrls:
    boxes.empty(two_databases[1].owner)
    return two_databases[1]


@pytest.fixture
def other_database(other_urls) -> Iterator[boxes.Boxes]:
    """A consumer's database."""
    opened = boxes.open_boxes(other_urls.runtime)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that the module's tests may stop, and start again."""
    with running(PostgresServer) as server:
        yield server


@pytest.fixture
def own_nats() -> Iterator[NatsServer]:
    """A NATS that the test may stop."""
    with running(NatsServer) as server:
        yield server
