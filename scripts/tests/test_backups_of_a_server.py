"""Backups of a real PostgreSQL, by its own programs."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from chassis import embedded
from stack import backups
from stack.backup_files import BackupRefused
from stack.databases_of import Databases

MIGRATION = """
CREATE TABLE parcels (id integer PRIMARY KEY, weight integer NOT NULL);
GRANT SELECT, INSERT ON parcels TO post_runtime;
"""
START_SECONDS = 30


class OneServer(Databases):
    """The database `post` of a server of the test's own."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def command(self, program, service, role, *options):
        there = [f"--dbname={embedded.postgres_url(self.socket, service, role)}"] if role else []
        return [str(embedded.postgres_program(program)), *options, *there]

    def migrate(self, service):
        """There is nothing newer."""

    def psql(self, statement: str, database: str = "post", role: str = "postgres") -> str:
        command = self.command("psql", database, role, "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        return subprocess.run(
            [*command, f"--command={statement}"], check=True, capture_output=True, text=True
        ).stdout.strip()

    def schema(self) -> str:
        """Return the schema as pg_dump writes it, without the key that differs each time."""
        command = self.command("pg_dump", "post", "postgres", "--schema-only")
        dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return "\n".join(line for line in dumped.splitlines() if "restrict" not in line)


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="souk-", dir="/tmp"))
    embedded.initdb(folder / "data")
    with (folder / "log").open("wb") as log:
        argv = embedded.postgres_argv(folder / "data", folder, fsync="off")
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    there = OneServer(folder)
    until = time.monotonic() + START_SECONDS
    while subprocess.run(
        there.command("psql", "postgres", "postgres", "-c", ""), capture_output=True
    ).returncode:
        assert time.monotonic() < until, (folder / "log").read_text()
    yield there
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder)


@pytest.fixture
def post(server, tmp_path):
    """A migrated database with a row in it."""
    server.psql("DROP DATABASE IF EXISTS post", "postgres")
    if not server.psql("SELECT 1 FROM pg_roles WHERE rolname = 'post_owner'", "postgres"):
        for statement in embedded.service_roles_sql("post"):
            server.psql(statement, "postgres")
    for statement in embedded.service_database_sql("post", "post"):
        server.psql(statement, "postgres")
    (tmp_path / "post").mkdir()
    (tmp_path / "post" / "0001_parcels.sql").write_text(MIGRATION)
    server.psql(
        "CREATE TABLE schema_migrations (name text, sha256 text, applied_at timestamptz DEFAULT now())",
        role="post_owner",
    )
    server.psql(MIGRATION, role="post_owner")
    [digest] = backups.backup_files.digests(tmp_path / "post").values()
    server.psql(f"INSERT INTO schema_migrations VALUES ('0001_parcels', '{digest}')", role="post_owner")
    server.psql("INSERT INTO parcels VALUES (1, 100)", role="post_runtime")
    return server


def parcels(post):
    return post.psql("SELECT id, weight FROM parcels ORDER BY id")


def test_a_restored_database_is_what_it_was_with_its_rights(post, tmp_path):
    schema = post.schema()
    backup = backups.dump(post, "post", tmp_path / "backups")
    post.psql("INSERT INTO parcels VALUES (2, 200)", role="post_runtime")
    post.psql("CREATE TABLE later (id integer)", role="post_owner")
    backups.restore(post, "post", backup, tmp_path / "post", force=True)
    assert (parcels(post), post.schema()) == ("1|100", schema)
    post.psql("INSERT INTO parcels VALUES (3, 300)", role="post_runtime")
    backups.restore(
        post, "post", backups.dump(post, "post", tmp_path / "again"), tmp_path / "post", force=True
    )
    assert (parcels(post), post.schema()) == ("1|100\n3|300", schema)


def test_a_restore_that_fails_changes_nothing(post, tmp_path):
    backup = backups.dump(post, "post", tmp_path / "backups")
    post.psql("INSERT INTO parcels VALUES (2, 200)", role="post_runtime")
    whole = backup.file.read_bytes()
    backup.file.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(BackupRefused, match="is what it was"):
        post.restore("post", backup.file)
    assert parcels(post) == "1|100\n2|200"


def test_a_database_with_rows_is_not_restored_unless_that_is_asked_for(post, tmp_path):
    backup = backups.dump(post, "post", tmp_path / "backups")
    with pytest.raises(BackupRefused, match=r"has rows \(parcels\)"):
        backups.restore(post, "post", backup, tmp_path / "post", force=False)
    post.psql("TRUNCATE parcels", role="post_owner")
    backups.restore(post, "post", backup, tmp_path / "post", force=False)
    assert parcels(post) == "1|100"


def test_a_database_whose_service_is_connected_is_not_restored(post, tmp_path):
    backup = backups.dump(post, "post", tmp_path / "backups")
    command = post.command("psql", "post", "post_runtime", "--no-align", "--tuples-only")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr
    ) as session:
        session.stdin.write(b"SELECT 1;\n")
        session.stdin.flush()
        session.stdout.readline()
        with pytest.raises(BackupRefused, match=r"post is connected \(1 sessions\)"):
            backups.restore(post, "post", backup, tmp_path / "post", force=True)
        session.stdin.close()
