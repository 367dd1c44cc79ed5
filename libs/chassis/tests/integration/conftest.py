"""Fixtures of the integration tests: a fresh database of boxes, a second one, a broker of one's own."""

from collections.abc import Iterator

import boxes
import pytest

from chassis.testing.plugin import DatabaseUrls
from chassis.testing.servers import NatsServer, PostgresServer, running


@pytest.fixture
def urls(make_database) -> DatabaseUrls:
    return make_database("boxes", boxes.MIGRATIONS)


@pytest.fixture
def database(urls) -> Iterator[boxes.Boxes]:
    """The producer's database."""
    opened = boxes.open_boxes(urls.runtime)
    yield opened
    opened.close()


@pytest.fixture
def other_database(make_database) -> Iterator[boxes.Boxes]:
    """A consumer's database."""
    opened = boxes.open_boxes(make_database("boxes", boxes.MIGRATIONS).runtime)
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
