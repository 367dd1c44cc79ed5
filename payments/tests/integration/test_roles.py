"""What the service's processes may do in its database, and what not: tried as the role they connect as."""

import psycopg
import pytest

from chassis.testing.privileges import CHASSIS_TABLES, REFUSED, granted, is_refused
from payments.settings import MIGRATIONS

# A table that is not here fails the test: whoever adds one says what may be done with it.
TABLES = {
    **CHASSIS_TABLES,
    "orders": "select, insert, update (expires_at, closed_at)",
    "payments": "select, insert,"
    " update (status, failure_code, reference, version, updated_at, attempts, next_attempt_at)",
    "refunds": "select, insert, update (status, reference, updated_at, attempts, next_attempt_at)",
    "ledger_entries": "select, insert",
    "given_by_hand": "select, insert",
    "notices": "select, insert, delete",
}


@pytest.fixture(scope="module")
def urls(make_database):
    return make_database("payments", MIGRATIONS)


def test_the_runtime_role_may_do_with_each_table_what_it_needs_and_no_more(urls):
    assert granted(urls.runtime) == TABLES


@pytest.mark.parametrize("statement", REFUSED)
def test_the_runtime_role_may_not(urls, statement):
    assert is_refused(urls.runtime, statement)


def test_it_is_not_the_owner_and_cannot_become_it(urls):
    assert is_refused(urls.runtime, "SET ROLE payments_owner")


@pytest.mark.parametrize("role", ["runtime", "owner"])
def test_the_roles_of_another_service_cannot_connect(urls, make_database, tmp_path, role):
    other = getattr(make_database("neighbour", tmp_path), role)
    here = psycopg.conninfo.conninfo_to_dict(urls.runtime)["dbname"]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(other, dbname=here)


def test_no_statement_and_no_idle_transaction_lasts_longer_than_half_a_minute(urls):
    with psycopg.connect(urls.runtime) as conn:
        shown = (
            conn.execute("SHOW statement_timeout").fetchone(),
            conn.execute("SHOW idle_in_transaction_session_timeout").fetchone(),
        )
    assert shown == (("30s",), ("30s",))
