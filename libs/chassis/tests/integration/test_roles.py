"""The rights that every service's roles have, from the one file of them."""

import select
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest

from chassis import embedded
from chassis.testing.privileges import CHASSIS_TABLES, granted

ROLES_FILE = Path(embedded.__file__).parent / "sql" / "roles.sql"


def test_the_runtime_role_may_only_add_to_the_outbox_and_note_how_far_it_came(urls):
    assert granted(urls.runtime) == {
        **CHASSIS_TABLES,
        "boxes": "select, insert, update",
        "notes": "select, insert",
    }


def test_what_is_published_a_day_ago_is_forgotten_and_nothing_else(urls):
    add = "INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent, published_at)"
    with psycopg.connect(urls.owner) as owner:
        for age in ("25 hours", "23 hours", None):
            moment = f"now() - interval '{age}'" if age else "NULL"
            owner.execute(
                f"{add} VALUES (gen_random_uuid(), 'a.b', gen_random_uuid(), 1, '{{}}', '', '', {moment})"
            )
    with psycopg.connect(urls.runtime) as runtime:
        assert runtime.execute("SELECT forget_published_events(10)").fetchone() == (1,)
        assert runtime.execute("SELECT count(*) FROM outbox").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            runtime.execute("DELETE FROM outbox")


def test_an_event_cannot_be_added_as_one_that_is_published(urls):
    add = "INSERT INTO outbox (id, type, aggregate_id, version, data, request_id, traceparent, published_at)"
    with psycopg.connect(urls.runtime) as runtime, pytest.raises(psycopg.errors.InsufficientPrivilege):
        runtime.execute(
            f"{add} VALUES (gen_random_uuid(), 'a.b', gen_random_uuid(), 1, '{{}}', '', '', now())"
        )


def test_a_statement_and_an_idle_transaction_end_at_the_roles_own_limits(postgres_server, urls):
    database = psycopg.conninfo.conninfo_to_dict(urls.owner)["dbname"]
    role = f"hasty_{uuid.uuid4().hex[:8]}"
    postgres_server.execute(
        f"CREATE ROLE {role} LOGIN",
        f"GRANT CONNECT ON DATABASE {database} TO {role}",
        f"ALTER ROLE {role} SET statement_timeout = '100ms'",
        f"ALTER ROLE {role} SET idle_in_transaction_session_timeout = '100ms'",
    )
    with psycopg.connect(postgres_server.url(database, role)) as conn:
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("SELECT pg_sleep(10)")
        conn.rollback()
        conn.execute("SELECT 1")
        select.select([conn.pgconn.socket], [], [], 10)  # until the server says its farewell
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            conn.execute("SELECT 1")


def test_the_file_is_one_that_psql_reads_as_well(postgres_server):
    name = f"crates_{uuid.uuid4().hex[:8]}"
    postgres_server.execute(*embedded.service_roles_sql(name), f"CREATE DATABASE {name}")
    told = [f"--set={key}={value}" for key, value in roles_of(name).items()]
    command = [str(embedded.postgres_program("psql")), "--no-psqlrc", "--set=ON_ERROR_STOP=1", *told]
    done = subprocess.run(
        [*command, f"--file={ROLES_FILE}", postgres_server.url(name)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with psycopg.connect(postgres_server.url(name, f"{name}_runtime")) as conn:
        assert conn.execute("SHOW statement_timeout").fetchone() == ("30s",)


def roles_of(name):
    return {"database": name, "owner": f"{name}_owner", "runtime": f"{name}_runtime"}
