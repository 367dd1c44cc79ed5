"""Migrations: forward-only SQL files, applied in order by the owner role.

`python -m chassis.migrations SERVICE FOLDER` applies them to the database of <SERVICE>_DB_OWNER_URL, or of the URL in
the file <SERVICE>_DB_OWNER_URL_FILE.
No library, for one reason: a migration and the note that it was applied must be one transaction, or a
process killed between them leaves a database that no deploy can bring on. The known ones over plain SQL
(yoyo) write the note on another connection, after the commit, and guess where a statement ends; the server
knows.

What cannot be done in a transaction, CREATE INDEX CONCURRENTLY, is a file of one statement that begins with the line
`-- outside a transaction` and does no harm when it is run twice (IF NOT EXISTS).
"""

import argparse
import hashlib
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from chassis import logs
from chassis.errors import Unavailable
from chassis.postgres import Database
from chassis.settings import EXIT_CONFIG, with_files

# The advisory lock that makes migrating replicas stand in a queue.
MIGRATION_LOCK = 0x6D696772617465
LOCK_TIMEOUT_SECONDS = 5.0
_LOCK_POLL_SECONDS = 0.1
_OUTSIDE_SECONDS = 600
OUTSIDE_A_TRANSACTION = b"-- outside a transaction\n"
_NOTE = "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)"
_UNFINISHED_INDEXES = """
    SELECT
        namespace.nspname,
        index.relname
    FROM pg_index
    JOIN pg_class AS index ON index.oid = pg_index.indexrelid
    JOIN pg_namespace AS namespace ON namespace.oid = index.relnamespace
    WHERE
        NOT pg_index.indisvalid
        AND index.relowner = current_user::regrole
"""
log = logging.getLogger(__name__)


class SchemaMismatch(Unavailable):
    code = "schema_mismatch"
    title = "The database lacks a migration of this release"


class MigrationChanged(Exception):
    """A file differs from what was applied under its name: forward only means a new file."""


def known(folder: Path) -> list[str]:
    """Return the names of the migrations in a folder, in order."""
    return sorted(file.stem for file in folder.glob("*.sql"))


def missing(database: Database[Any], folder: Path) -> list[str]:
    """Return the migrations of this release that the database lacks. Newer ones that it has are not reported:
    the next release's expanding migrations run while this one still serves. Raises Unavailable."""
    with database.read() as one:
        table = one.conn.execute("SELECT to_regclass('schema_migrations') IS NOT NULL AS there").fetchone()
        applied = one.conn.execute("SELECT name FROM schema_migrations").fetchall() if table["there"] else []
    return sorted(set(known(folder)) - {row["name"] for row in applied})


def require(database: Database[Any], folder: Path) -> None:
    """Check, for readiness, that nothing is missing. Raises SchemaMismatch, Unavailable."""
    if lacking := missing(database, folder):
        raise SchemaMismatch(", ".join(lacking))


def migrate(owner_url: str, folder: Path, *, lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS) -> list[str]:
    """Apply what is missing, each file in one transaction with its note, and return the names.

    One process migrates at a time, the others wait (session advisory lock). A table that others keep locked
    for 5 s fails the migration, as everybody behind it would wait as well. Raises psycopg.Error,
    MigrationChanged; what was applied before the failure stays.
    """
    with psycopg.connect(owner_url, autocommit=True) as conn:
        _stand_in_line(conn)
        conn.execute(f"SET lock_timeout = {round(lock_timeout_seconds * 1000)}")
        applied = _applied(conn)
        names = known(folder)
        for newer in sorted(applied.keys() - set(names)):
            log.warning("the database has a migration that this release does not know: %s", newer)
        return [name for name in names if _apply(conn, folder / f"{name}.sql", applied)]


def _stand_in_line(conn: psycopg.Connection) -> None:
    # A session that waits inside a statement is one that CREATE INDEX CONCURRENTLY waits for: they would wait for
    # each other.
    while not conn.execute("SELECT pg_try_advisory_lock(%s)", (MIGRATION_LOCK,)).fetchone()[0]:  # type: ignore[index]
        time.sleep(_LOCK_POLL_SECONDS)


def _applied(conn: psycopg.Connection) -> dict[str, str]:
    conn.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            name       text        NOT NULL,
            sha256     text        NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT schema_migrations_pk PRIMARY KEY (name)
        )
        """
    )
    return dict(conn.execute("SELECT name, sha256 FROM schema_migrations").fetchall())


def _apply(conn: psycopg.Connection, file: Path, applied: dict[str, str]) -> bool:
    sql = file.read_bytes()
    digest = hashlib.sha256(sql).hexdigest()
    if file.stem in applied:
        if applied[file.stem] != digest:
            raise MigrationChanged(f"{file.name} is not what was applied; a change is a new file")
        return False
    log.info("applying migration %s", file.stem)
    if sql.startswith(OUTSIDE_A_TRANSACTION):
        _apply_outside(conn, sql)
        conn.execute(_NOTE, (file.stem, digest))
        return True
    with conn.transaction():
        conn.execute(sql)
        conn.execute(_NOTE, (file.stem, digest))
    return True


def _apply_outside(conn: psycopg.Connection, sql: bytes) -> None:
    # It waits for everybody else's transactions, and keeps nobody waiting meanwhile.
    before = conn.execute("SHOW lock_timeout").fetchone()
    conn.execute(f"SET lock_timeout = '{_OUTSIDE_SECONDS}s'")
    # An index whose making was cut off is there and of no use, and IF NOT EXISTS would be content with it.
    for schema, name in conn.execute(_UNFINISHED_INDEXES).fetchall():
        conn.execute(SQL("DROP INDEX CONCURRENTLY {}").format(Identifier(schema, name)))
    conn.execute(sql)
    conn.execute("SELECT set_config('lock_timeout', %s, false)", before)


def main() -> None:
    """Migrate the database of <SERVICE>_DB_OWNER_URL; exit code 1 when a migration fails, 78 without the
    variable."""
    parser = argparse.ArgumentParser(prog="chassis.migrations", description="Apply a service's migrations.")
    parser.add_argument("service", help="name of the service; its variable is <SERVICE>_DB_OWNER_URL")
    parser.add_argument("folder", type=Path, help="folder of the .sql files")
    told = parser.parse_args()
    logs.configure(told.service, "INFO")
    variable = f"{told.service.upper()}_DB_OWNER_URL"
    env, wrong = with_files(os.environ, [variable])
    if wrong or not env.get(variable):
        log.error("%s", *[f"{name} {said}" for name, said in wrong.items()] or [f"{variable} is not set"])
        sys.exit(EXIT_CONFIG)
    try:
        applied = migrate(env[variable], told.folder)
    except (psycopg.Error, MigrationChanged) as error:
        log.error("migration failed: %s", error)
        sys.exit(1)
    log.info("migrations applied: %d", len(applied))


if __name__ == "__main__":
    main()
