"""The databases of a stack: made once, migrated at every start."""

import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from chassis import embedded
from stack.places import DATABASES, Places
from stack.processes import StartFailed, run, until
from stack.readiness import Watch

ANSWER_SECONDS = 30


def initialise(places: Places) -> None:
    """Make the files of PostgreSQL where there are none.

    Raises StartFailed.
    """
    if places.database.exists():
        return
    print("· postgres: new database files", flush=True)
    unfinished = places.database.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        embedded.initdb(unfinished)
    except subprocess.CalledProcessError as failure:
        raise StartFailed(f"PostgreSQL's files could not be made: {failure.stderr.strip()}") from failure
    unfinished.rename(places.database)


def until_answers(places: Places, watch: Watch) -> None:
    """Wait until PostgreSQL answers.

    Raises StartFailed.
    """

    def answers() -> bool:
        watch.check()
        return psql(places, "SELECT 1").returncode == 0

    until(answers, ANSWER_SECONDS, lambda: str(watch.failure("postgres", "does not answer")))


def psql(places: Places, *statements: str) -> subprocess.CompletedProcess[str]:
    """Run statements as the superuser, one after another until one fails; the answer's text in `stdout`."""
    url = embedded.postgres_url(places.postgres_socket, "postgres", "postgres")
    options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    commands = [f"--command={statement}" for statement in statements]
    program = str(embedded.postgres_program("psql"))
    return subprocess.run([program, *options, *commands, url], capture_output=True, text=True, env={})


def migrate(places: Places) -> None:
    """Make the roles and databases that are missing, and bring every schema up to this release.

    Raises StartFailed.
    """
    make_missing(places, DATABASES)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: migrate_one(places, name), DATABASES))
    print("· postgres: databases migrated", flush=True)


def make_missing(places: Places, services: Iterable[str]) -> None:
    """Make the roles and databases that these services lack, and give the roles their rights, as they are now.

    Raises StartFailed.
    """
    listed = psql(places, "SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles")
    there = set(listed.stdout.split())
    made = psql(places, *(statement for name in services for statement in parts_of(name, there)))
    if made.returncode:
        raise StartFailed(f"the databases could not be made: {made.stderr}")


def parts_of(name: str, there: set[str]) -> list[str]:
    """Return the statements that make what a service lacks of its roles and its database, and the roles' rights."""
    roles = [] if f"{name}_runtime" in there else embedded.service_roles_sql(name)
    if name in there:
        return [*roles, *embedded.service_rights_sql(name, name)]
    return [*roles, *embedded.service_database_sql(name, name)]


def migrate_one(places: Places, name: str) -> None:
    """Apply a service's migrations as its owner role.

    Raises StartFailed.
    """
    run(places.run_as(name, "-m", "chassis.migrations", name, "migrations"), places.root / name)
