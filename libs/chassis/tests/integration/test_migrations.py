"""Migrations on a real PostgreSQL."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boxes
import psycopg
import pytest

from chassis.migrations import (
    MigrationChanged,
    SchemaMismatch,
    SchemaTooNew,
    known,
    migrate,
    missing,
    require,
)
from chassis.testing.plugin import DatabaseUrls


@pytest.fixture
def folder(tmp_path):
    tmp_path.joinpath("0001_first.sql").write_text("CREATE TABLE first (id integer); SELECT 'a;b'")
    tmp_path.joinpath("0002_second.sql").write_text("CREATE TABLE second (id integer);")
    return tmp_path


@pytest.fixture
def empty(postgres_server, urls) -> Iterator[DatabaseUrls]:
    """A database that no migration was ever applied to."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE DATABASE {name} OWNER boxes_owner")
    yield DatabaseUrls(postgres_server.url(name, "boxes_owner"), postgres_server.url(name, "boxes_runtime"))
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def indexes(url: str) -> dict[str, bool]:
    """Return which indexes there are, and whether they are of use."""
    with psycopg.connect(url) as conn:
        rows = conn.execute(
            "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE '%\\_ix'"
        ).fetchall()
    return dict(rows)


def test_files_are_applied_in_order_and_once(empty, folder):
    assert migrate(empty.owner, folder) == ["0001_first", "0002_second"]
    assert migrate(empty.owner, folder) == []
    assert tables(empty.owner) == {"schema_migrations", "first", "second"}


def test_a_migration_that_fails_leaves_nothing_of_itself(empty, folder):
    folder.joinpath("0002_second.sql").write_text("CREATE TABLE second (id integer); SELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty.owner, folder)
    assert tables(empty.owner) == {"schema_migrations", "first"}
    folder.joinpath("0002_second.sql").write_text("CREATE TABLE second (id integer);")
    assert migrate(empty.owner, folder) == ["0002_second"]


def test_an_applied_file_may_not_change(empty, folder):
    migrate(empty.owner, folder)
    folder.joinpath("0001_first.sql").write_text("CREATE TABLE other (id integer);")
    with pytest.raises(MigrationChanged, match="0001_first"):
        migrate(empty.owner, folder)


def test_replicas_that_migrate_at_once_stand_in_a_queue(empty, folder):
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(lambda _: migrate(empty.owner, folder), range(4)))
    assert sorted(applied) == [[], [], [], ["0001_first", "0002_second"]]


def test_an_index_is_made_outside_a_transaction_while_replicas_stand_in_a_queue(empty, folder):
    migrate(empty.owner, folder)
    with psycopg.connect(empty.owner) as conn:
        conn.execute("INSERT INTO first SELECT generate_series(1, 100000)")
    statement = "-- outside a transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS first_id_ix ON first (id)"
    folder.joinpath("0003_index.sql").write_text(statement)
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(lambda _: migrate(empty.owner, folder), range(4)))
    assert sorted(applied) == [[], [], [], ["0003_index"]]
    assert indexes(empty.owner) == {"first_id_ix": True}


def test_an_index_whose_making_was_cut_off_is_made_again(empty, folder):
    migrate(empty.owner, folder)
    make = "CREATE {} INDEX CONCURRENTLY IF NOT EXISTS first_id_ix ON first (id)"
    with psycopg.connect(empty.owner, autocommit=True) as conn:
        conn.execute("INSERT INTO first VALUES (1), (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            conn.execute(make.format("UNIQUE"))
    assert indexes(empty.owner) == {"first_id_ix": False}
    folder.joinpath("0003_index.sql").write_text(f"-- outside a transaction\n{make.format('')}")
    assert migrate(empty.owner, folder) == ["0003_index"]
    assert indexes(empty.owner) == {"first_id_ix": True}


def test_a_table_in_use_fails_the_migration_instead_of_stopping_the_service(empty, folder):
    migrate(empty.owner, folder)
    folder.joinpath("0003_third.sql").write_text("ALTER TABLE first ADD COLUMN more integer")
    with psycopg.connect(empty.owner) as conn:
        conn.execute("SELECT id FROM first")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate(empty.owner, folder, lock_timeout_seconds=0.05)
    assert migrate(empty.owner, folder) == ["0003_third"]


def test_a_service_is_unready_until_its_migrations_are_applied(empty, tmp_path):
    for file in boxes.MIGRATIONS.glob("*.sql"):
        tmp_path.joinpath(file.name).write_bytes(file.read_bytes())
    migrate(empty.owner, tmp_path)
    database = boxes.open_boxes(empty.runtime)
    require(database, tmp_path)
    tmp_path.joinpath("0003_more.sql").write_text("CREATE TABLE more (id integer)")
    assert missing(database, tmp_path) == ["0003_more"]
    with pytest.raises(SchemaMismatch, match="0003_more"):
        require(database, tmp_path)
    migrate(empty.owner, tmp_path)
    require(database, tmp_path)
    require(database, boxes.MIGRATIONS)
    database.close()


def test_a_service_is_unready_on_an_empty_database(empty):
    database = boxes.open_boxes(empty.runtime)
    assert missing(database, boxes.MIGRATIONS) == known(boxes.MIGRATIONS)
    database.close()


def command(folder, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chassis.migrations", "boxes", str(folder)],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_migrates_the_database_of_its_variable(empty, folder):
    done = command(folder, BOXES_DB_OWNER_URL=empty.owner)
    assert (done.returncode, tables(empty.owner) >= {"first", "second"}) == (0, True), done.stdout


def test_the_command_reads_the_url_from_a_file(empty, folder, tmp_path):
    file = tmp_path / "url"
    file.write_text(f"{empty.owner}\n")
    done = command(folder, BOXES_DB_OWNER_URL_FILE=str(file))
    assert (done.returncode, tables(empty.owner) >= {"first", "second"}) == (0, True), done.stdout


def test_the_command_names_a_file_that_it_cannot_read(folder, tmp_path):
    refused = command(folder, BOXES_DB_OWNER_URL_FILE=str(tmp_path / "none"))
    assert refused.returncode == 78
    assert "BOXES_DB_OWNER_URL_FILE cannot be read" in refused.stdout


def test_the_command_says_what_is_wrong(empty, folder):
    assert command(folder).returncode == 78
    folder.joinpath("0003_third.sql").write_text("no sql")
    failed = command(folder, BOXES_DB_OWNER_URL=empty.owner)
    assert failed.returncode == 1
    assert "0003_third" in failed.stdout and "Traceback" not in failed.stdout + failed.stderr


NEEDING = "-- needs 0003_third\nALTER TABLE first DROP COLUMN id"


def test_a_release_that_the_database_has_outgrown_is_unready_and_does_not_migrate(empty, folder, tmp_path):
    folder.joinpath("0003_third.sql").write_text("CREATE TABLE third (id integer)")
    folder.joinpath("0004_fourth.sql").write_text(NEEDING)
    migrate(empty.owner, folder)
    with psycopg.connect(empty.owner) as conn:
        conn.execute("GRANT SELECT ON schema_migrations TO boxes_runtime")
    database = boxes.open_boxes(empty.runtime)
    folder.joinpath("0004_fourth.sql").unlink()
    require(database, folder)  # the release before it knows what it needs, and serves
    assert migrate(empty.owner, folder) == []
    folder.joinpath("0003_third.sql").unlink()
    with pytest.raises(SchemaTooNew, match="0004_fourth needs a release with 0003_third"):
        require(database, folder)
    with pytest.raises(SchemaTooNew):
        migrate(empty.owner, folder)
    assert command(folder, BOXES_DB_OWNER_URL=empty.owner).returncode == 1
    database.close()


def test_notes_of_an_earlier_chassis_need_nothing(empty, folder):
    migrate(empty.owner, folder)
    with psycopg.connect(empty.owner) as conn:
        conn.execute("GRANT SELECT ON schema_migrations TO boxes_runtime")
        conn.execute("ALTER TABLE schema_migrations DROP COLUMN needs")
    database = boxes.open_boxes(empty.runtime)
    require(database, folder)
    database.close()
    folder.joinpath("0003_third.sql").write_text("CREATE TABLE third (id integer)")
    assert migrate(empty.owner, folder) == ["0003_third"]


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("postgresql://a@127.0.0.1:9/b", 1, "BOXES_DB_OWNER_URL: connection"),
        ("mysql//", 78, "BOXES_DB_OWNER_URL: This is no PostgreSQL URL"),
    ],
)
def test_the_command_names_the_variable_of_a_database_it_cannot_use(folder, url, code, said):
    refused = command(folder, BOXES_DB_OWNER_URL=url)
    assert (refused.returncode, refused.stderr) == (code, "")
    assert said in refused.stdout.splitlines()[-1]
