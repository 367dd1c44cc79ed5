"""What a statement is called in a trace."""

import pytest

from chassis.sql_spans import _described


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("BEGIN", "BEGIN"),
        ("SELECT now() AS now", "SELECT"),
        ("SELECT a, (SELECT count(*) FROM parts) AS n FROM boxes WHERE id = %s", "SELECT boxes"),
        (
            "INSERT INTO boxes (id, step) VALUES (%s, 1) ON CONFLICT (id) DO UPDATE SET step = 1",
            "INSERT boxes",
        ),
        ("WITH x AS (DELETE FROM parts RETURNING id) INSERT INTO boxes SELECT id FROM x", "INSERT boxes"),
        ("UPDATE boxes SET step = 2", "UPDATE boxes"),
        ("", "SQL"),
    ],
)
def test_a_statement_is_called_by_what_it_does_to_which_table(statement, name):
    assert _described(statement)[0] == name
