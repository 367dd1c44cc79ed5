"""What a role may do in a database, found out by trying it as that role."""

from collections.abc import Iterator, Sequence

import psycopg
from psycopg import errors, sql

# What the chassis' migrations grant a runtime role; each service adds its own tables.
CHASSIS_TABLES = {
    "schema_migrations": "select",
    "outbox": "select, insert (id, type, aggregate_id, version, data, request_id, traceparent),"
    " update (tries, retry_at, parked_at, published_at)",
    "inbox": "select, insert, delete",
    "idempotency_keys": "select, insert, update (holder, held_until, status, body), delete",
}
# What no runtime role may do, beside what it may not do with a table.
REFUSED = (
    "CREATE TABLE more (id integer)",
    "CREATE TEMPORARY TABLE more (id integer)",
    "CREATE SCHEMA more",
    "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE DATABASE more",
    "CREATE ROLE more",
    "DROP SCHEMA public CASCADE",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEDB",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SET SESSION AUTHORIZATION postgres",
    "COPY schema_migrations TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
)
# What PostgreSQL executes in no transaction, so that it could not be rolled back.
_ALONE = ("CREATE DATABASE", "ALTER SYSTEM")
_OF_COLUMNS = {
    "select": "SELECT {column} FROM {table} LIMIT 0",
    "insert": "INSERT INTO {table} ({column}) VALUES (DEFAULT)",
    "update": "UPDATE {table} SET {column} = DEFAULT WHERE false",
}
_OF_TABLES = {
    "delete": "DELETE FROM {table} WHERE false",
    "truncate": "TRUNCATE {table}",
    "alter": "ALTER TABLE {table} ADD COLUMN more integer",
    "drop": "DROP TABLE {table} CASCADE",
}


def granted(url: str) -> dict[str, str]:
    """Return what the role of a URL may do with each table of the database, as "select, update (a, b), delete":
    each statement is executed, and rolled back."""
    with psycopg.connect(url, autocommit=True) as conn:
        tables = conn.execute(
            """
            SELECT c.relname,
                   array_agg(a.attname::text ORDER BY a.attnum)
            FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace
              AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
              AND a.attnum > 0
              AND NOT a.attisdropped
            GROUP BY c.relname
            """
        ).fetchall()
        return {table: ", ".join(_granted(conn, table, columns)) for table, columns in tables}


def is_refused(url: str, statement: str) -> bool:
    """Tell whether the role of a URL may not execute a statement; one that it may is rolled back, if that can be."""
    with psycopg.connect(url, autocommit=True) as conn:
        if statement.startswith(_ALONE):
            return not _executes(conn, sql.SQL(statement))
        return not _may(conn, sql.SQL(statement))


def _granted(conn: psycopg.Connection, table: str, columns: Sequence[str]) -> Iterator[str]:
    for verb, statement in _OF_COLUMNS.items():
        some = [each for each in columns if _may(conn, _statement(statement, table, each))]
        if some:
            yield verb if some == list(columns) else f"{verb} ({', '.join(some)})"
    for verb, statement in _OF_TABLES.items():
        if _may(conn, _statement(statement, table)):
            yield verb


def _statement(text: str, table: str, column: str = "") -> sql.Composed:
    return sql.SQL(text).format(table=sql.Identifier(table), column=sql.Identifier(column or table))


def _may(conn: psycopg.Connection, statement: sql.Composable) -> bool:
    with conn.transaction(force_rollback=True):
        return _executes(conn, statement)


def _executes(conn: psycopg.Connection, statement: sql.Composable) -> bool:
    try:
        conn.execute(statement)
    except errors.InsufficientPrivilege:
        return False
    except (psycopg.IntegrityError, errors.ObjectNotInPrerequisiteState):
        return True  # allowed, and impossible for another reason
    return True
