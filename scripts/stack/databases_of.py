"""PostgreSQL's own programs on a service's database: of the embedded stack, or in the database's container."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from chassis import embedded
from stack import databases
from stack.backup_files import PIECE_BYTES, BackupRefused
from stack.containers import Containers
from stack.places import Places
from stack.processes import Supervisor
from stack.settings import database_url

SUPERUSER = "postgres"
FACTS = """
SELECT json_build_object(
    'taken_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
    'server_version', current_setting('server_version_num')::integer,
    'migrations', (SELECT json_object_agg(name, sha256) FROM schema_migrations)
)
"""
CONNECTED = """
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND usename LIKE '%\\_runtime'
"""
TABLES = """
SELECT coalesce(json_agg(quote_ident(relname) ORDER BY relname), '[]')
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_migrations'
"""
# As PostgreSQL makes it, and nothing in it: what a backup lacks must not stay beside what it has.
EMPTY = """
BEGIN;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
COMMENT ON SCHEMA public IS 'standard public schema';
"""


class Databases:
    """The services' databases, each reached by psql, pg_dump and pg_restore of its server's own version."""

    folder: Path

    def command(self, program: str, service: str, role: str, *options: str) -> list[str]:
        """Return the command of a program on a service's database; without a role it connects to none."""
        raise NotImplementedError

    def prepare(self, service: str) -> None:
        """Make the database and its roles if they are missing. Raises StartFailed."""

    def migrate(self, service: str) -> None:
        """Bring the schema up to this release. Raises StartFailed."""
        raise NotImplementedError

    def facts(self, service: str) -> dict[str, Any]:
        """Return what a backup tells of the database. Raises BackupRefused."""
        told: dict[str, Any] = json.loads(self._ask(service, FACTS))
        return told

    def server_version(self, service: str) -> int:
        """Return PostgreSQL's number of its version. Raises BackupRefused."""
        return int(self._ask(service, "SHOW server_version_num"))

    def connected(self, service: str) -> int:
        """Count the sessions of the service's processes. Raises BackupRefused."""
        return int(self._ask(service, CONNECTED))

    def filled(self, service: str) -> list[str]:
        """Return the tables that have rows. Raises BackupRefused."""
        tables = json.loads(self._ask(service, TABLES))
        return [each for each in tables if self._ask(service, f"SELECT EXISTS (SELECT FROM {each})") == "t"]  # noqa: S608

    def dump(self, service: str) -> Iterator[bytes]:
        """Yield a dump of the database as it is at one moment. Raises BackupRefused."""
        command = self.command(
            "pg_dump", service, f"{service}_owner", "--format=custom", "--lock-wait-timeout=30s"
        )
        with tempfile.TemporaryFile() as said:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as dumping:
                assert dumping.stdout is not None
                while piece := dumping.stdout.read(PIECE_BYTES):
                    yield piece
            if dumping.returncode:
                raise BackupRefused(f"{service} could not be dumped: {_words(said)}")

    def restore(self, service: str, dump: Path) -> None:
        """Make the database what a dump holds, in one transaction of its owner's. Raises BackupRefused."""
        reader = self.command("pg_restore", service, "", "--file=-", "--no-owner")
        writer = self.command("psql", service, f"{service}_owner", *_QUIETLY)
        with dump.open("rb") as file, tempfile.TemporaryFile() as said:
            with (
                suppress(BrokenPipeError),  # psql ended at an error, and said which
                subprocess.Popen(writer, stdin=subprocess.PIPE, stdout=said, stderr=said) as writing,
                subprocess.Popen(reader, stdin=file, stdout=subprocess.PIPE, stderr=said) as reading,
            ):
                assert reading.stdout is not None and writing.stdin is not None
                writing.stdin.write(EMPTY.encode())
                while piece := reading.stdout.read(PIECE_BYTES):
                    writing.stdin.write(piece)
                if reading.wait() == 0:  # half a dump is never committed
                    writing.stdin.write(b"\nCOMMIT;\n")
            if reading.returncode or writing.returncode:
                raise BackupRefused(f"{service} could not be restored, and is what it was: {_words(said)}")

    def _ask(self, service: str, query: str) -> str:
        command = self.command("psql", service, SUPERUSER, *_QUIETLY, f"--command={query}")
        asked = subprocess.run(command, capture_output=True, text=True)
        if asked.returncode:
            raise BackupRefused(f"the database of {service} gives no answer: {asked.stderr.strip()}")
        return asked.stdout.strip()


_QUIETLY = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")


class EmbeddedDatabases(Databases):
    """Those of an embedded stack that runs."""

    def __init__(self, places: Places) -> None:
        self.folder = places.state / "backups"
        self._places = places

    def command(self, program: str, service: str, role: str, *options: str) -> list[str]:
        there = [f"--dbname={database_url(self._places, role, service)}"] if role else []
        return [str(embedded.postgres_program(program)), *options, *there]

    def prepare(self, service: str) -> None:
        databases.make_missing(self._places, [service])

    def migrate(self, service: str) -> None:
        databases.migrate_one(self._places, service)

    def _ask(self, service: str, query: str) -> str:
        if not Supervisor(self._places).is_running():
            raise BackupRefused("Souk is not running: make up")
        return super()._ask(service, query)


class ComposeDatabases(Databases):
    """Those of the containers of `make compose-up`."""

    def __init__(self, stack: Containers) -> None:
        self.folder = stack.state / "backups"
        self._stack = stack

    @classmethod
    def of(cls, places: Places) -> "ComposeDatabases":
        told = {
            "version": os.environ.get("SOUK_VERSION") or "latest",
            "overlay": os.environ.get("SOUK_OVERLAY", ""),
        }
        return cls(Containers(places.root, places.state / "compose", tls=places.tls, **told))

    def command(self, program: str, service: str, role: str, *options: str) -> list[str]:
        there = [f"--username={role}", f"--dbname={service}"] if role else []
        return self._stack.command("exec", "-T", f"{service}-db", program, *options, *there)

    def migrate(self, service: str) -> None:
        self._stack.compose("run", "--rm", "--no-deps", "-T", f"{service}-migrate")


def _words(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace").strip()
