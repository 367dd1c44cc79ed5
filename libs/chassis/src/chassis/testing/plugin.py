"""The pytest plugin of the chassis: real servers and fresh databases as fixtures."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chassis import embedded
from chassis.migrations import migrate
from chassis.testing import corpus
from chassis.testing.servers import NatsServer, PostgresServer, running
from chassis.testing.waiting import until as until_true

MakeDatabase = Callable[[str, Path], "DatabaseUrls"]


@dataclass(frozen=True)
class DatabaseUrls:
    """The addresses of one test's database for its two roles."""

    owner: str
    runtime: str


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, one a test process."""
    with running(PostgresServer) as server:
        yield server


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """A real NATS with JetStream, one a test process; `.url` is its address."""
    with running(NatsServer) as server:
        yield server


@pytest.fixture(scope="session")
def make_database(postgres_server: PostgresServer) -> MakeDatabase:
    """Call with a service's name and its folder of migrations for a fresh, migrated database with the
    service's roles."""
    templates: dict[tuple[str, Path], str] = {}
    services: set[str] = set()

    def template(service: str, migrations: Path) -> str:
        if (service, migrations) not in templates:
            if service not in services:
                services.add(service)
                postgres_server.execute(*embedded.service_roles_sql(service))
            name = templates[service, migrations] = f"{service}_template_{len(templates)}"
            postgres_server.execute(*embedded.service_database_sql(service, name))
            migrate(postgres_server.url(name, f"{service}_owner"), migrations)
        return templates[service, migrations]

    def make(service: str, migrations: Path) -> DatabaseUrls:
        name = f"{service}_{uuid.uuid4().hex[:12]}"
        postgres_server.execute(*embedded.service_database_sql(service, name, template(service, migrations)))
        return DatabaseUrls(
            owner=postgres_server.url(name, f"{service}_owner"),
            runtime=postgres_server.url(name, f"{service}_runtime"),
        )

    return make


@pytest.fixture(scope="session")
def until() -> Callable[..., object]:
    """Poll a condition until it is true: `until(condition, timeout_seconds=10)`."""
    return until_true


@pytest.fixture(scope="session")
def gunicorn_corpus(pytestconfig: pytest.Config) -> Path:
    """The folder of gunicorn's own requests, of the version that the project pins; for `corpus.samples`."""
    assert pytestconfig.cache is not None
    return corpus.fetch(
        pytestconfig.rootpath / "requirements.txt", pytestconfig.cache.mkdir("gunicorn-corpus")
    )
