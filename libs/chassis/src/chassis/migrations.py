"""Migrations: forward-only SQL files, applied in order by the owner role.

`python -m chassis.migrations SERVICE FOLDER` applies them to the database of <SERVICE>_DB_OWNER_URL, or of the URL in
the file <SERVICE>_DB_OWNER_URL_FILE.
No library, for one reason: a migration and the note that it was applied must be one transaction, or a
process killed between them leaves a database that no deploy can bring on. The known ones over plain SQL
(yoyo) write the note on another connection, after the commit, and guess where a statement ends; the server
knows.

The next release's migrations leave this one working, those behind them may not: a file says so by a line
`-- needs 0006_more`. A release that does not know 0006_more is then older than the database can serve.

What cannot be done in a transaction, CREATE INDEX CONCURRENTLY, is a file of one statement that begins with the line
`-- outside a transaction` and does no harm when it is run twice (IF NOT EXISTS).
"""

import argparse
import hashlib
import logging
import os
import re
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from chassis import checks, logs
from chassis.environment import with_files
from chassis.errors import Unavailable
from chassis.postgres import Database
from chassis.settings import EXIT_CONFIG

# The advisory lock that makes migrating replicas stand in a queue.
MIGRATION_LOCK = 0x6D696772617465
LOCK_TIMEOUT_SECONDS = 5.0
_LOCK_POLL_SECONDS = 0.1
_OUTSIDE_SECONDS = 600
OUTSIDE_A_TRANSACTION = b"-- outside a transaction\n"
_NEEDS = re.compile(rb"^-- needs ([0-9]{4}_[a-z0-9_]+)$", re.MULTILINE)
_NOTE = "INSERT INTO schema_migrations (name, sha256, needs) VALUES (%s, %s, %s)"
_HAS_NEEDS = """
    SELECT true
    FROM pg_attribute
    WHERE attrelid = 'schema_migrations'::regclass AND attname = 'needs'
"""
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


class SchemaTooNew(Unavailable):
    code = "schema_too_new"
    title = "The database is of a release that this one cannot serve any more"


class MigrationChanged(Exception):
    """A file differs from what was applied under its name: forward only means a new file."""


def known(folder: Path) -> list[str]:
    """Return the names of the migrations in a folder, in order."""
    return sorted(file.stem for file in folder.glob("*.sql"))


def missing(database: Database[Any], folder: Path) -> list[str]:
    """Return the migrations of this release that the database lacks. Newer ones that it has are not reported:
    the next release's expanding migrations run while this one still serves. Raises Unavailable."""
    return sorted(set(known(folder)) - _noted(database).keys())


def require(database: Database[Any], folder: Path) -> None:
    """Check, for readiness, that nothing is missing, and that nothing newer needs a newer release. Raises
    SchemaMismatch, SchemaTooNew, Unavailable."""
    names, noted = set(known(folder)), _noted(database)
    if lacking := sorted(names - noted.keys()):
        raise SchemaMismatch(", ".join(lacking))
    _refuse_too_new(names, noted)


def _noted(database: Database[Any]) -> dict[str, str | None]:
    """Return what each migration needs that the database has, by name; notes of before had no such column."""
    with database.read() as one:
        table = one.conn.execute("SELECT to_regclass('schema_migrations') IS NOT NULL AS there").fetchone()
        if not table["there"]:
            return {}
        rows = one.conn.execute("SELECT name, to_jsonb(m) ->> 'needs' AS needs FROM schema_migrations AS m")
        return {row["name"]: row["needs"] for row in rows}


def _refuse_too_new(names: Collection[str], noted: Mapping[str, str | None]) -> None:
    for newer in sorted(noted.keys() - set(names)):
        if (needs := noted[newer]) and needs not in names:
            raise SchemaTooNew(f"{newer} needs a release with {needs}")


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
        _refuse_too_new(names, dict(conn.execute("SELECT name, needs FROM schema_migrations").fetchall()))
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
            needs      text,
            CONSTRAINT schema_migrations_pk PRIMARY KEY (name)
        )
        """
    )
    if not conn.execute(_HAS_NEEDS).fetchone():
        conn.execute("ALTER TABLE schema_migrations ADD COLUMN needs text")
    return dict(conn.execute("SELECT name, sha256 FROM schema_migrations").fetchall())


def _apply(conn: psycopg.Connection, file: Path, applied: dict[str, str]) -> bool:
    sql = file.read_bytes()
    digest = hashlib.sha256(sql).hexdigest()
    if file.stem in applied:
        if applied[file.stem] != digest:
            raise MigrationChanged(f"{file.name} is not what was applied; a change is a new file")
        return False
    log.info("applying migration %s", file.stem)
    needs = _NEEDS.search(sql)
    note = (file.stem, digest, needs[1].decode() if needs else None)
    if sql.startswith(OUTSIDE_A_TRANSACTION):
        _apply_outside(conn, sql)
        conn.execute(_NOTE, note)
        return True
    with conn.transaction():
        conn.execute(sql)
        conn.execute(_NOTE, note)
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
    url = _owner_url_or_exit(variable)
    try:
        applied = migrate(url, told.folder)
    except (psycopg.Error, MigrationChanged, SchemaTooNew) as error:
        of = f"{variable}: " if type(error) is psycopg.OperationalError else ""  # no answer, or no way in
        log.error("migration failed: %s%s", of, " ".join(str(error).split()))
        sys.exit(1)
    log.info("migrations applied: %d", len(applied))


def _owner_url_or_exit(variable: str) -> str:
    env, wrong = with_files(os.environ, [variable])
    url = env.get(variable) or ""
    said = [f"{name} {what}" for name, what in wrong.items()]
    if not said and not url:
        said = [f"{variable} is not set"]
    try:
        checks.database_address(url)
    except ValueError as malformed:
        said = said or [f"{variable}: {malformed}"]
    if said:
        log.error("%s", said[0])
        sys.exit(EXIT_CONFIG)
    return url


if __name__ == "__main__":
    main()
