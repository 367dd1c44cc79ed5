"""Which migrations are refused, asked with good and bad ones in a history of their own."""

import subprocess
from pathlib import Path

import pytest

from stack.migration_rules import CONTRACTS, NOT_ASKED, OLDER_THAN_THE_RULES, OUTSIDE_A_TRANSACTION, check

ROOT = Path(__file__).resolve().parents[2]
NEW_TABLE = """CREATE TABLE notes (
    id uuid NOT NULL,
    text text NOT NULL,
    CONSTRAINT notes_pk PRIMARY KEY (id),
    CONSTRAINT notes_text_ck CHECK (text <> '')
);
CREATE UNIQUE INDEX notes_text_uq ON notes (text);
GRANT SELECT ON notes TO orders_runtime;
"""
GOOD = {
    "a new table": NEW_TABLE,
    "a new column": "ALTER TABLE orders ADD COLUMN note text;",
    "a new column with a default": "ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT '';",
    "an index outside": f"{OUTSIDE_A_TRANSACTION}\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (total);",
}
BAD = {
    "ban-drop-column": "ALTER TABLE orders DROP COLUMN total;",
    "ban-drop-table": "DROP TABLE orders;",
    "renaming-column": "ALTER TABLE orders RENAME COLUMN total TO sum;",
    "renaming-table": "ALTER TABLE orders RENAME TO purchases;",
    "adding-not-nullable-field": "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
    "adding-required-field": "ALTER TABLE orders ADD COLUMN note text NOT NULL;",
    "changing-column-type": "ALTER TABLE orders ALTER COLUMN total TYPE numeric;",
    "ban-new-write-restriction": "ALTER TABLE orders ADD CONSTRAINT c CHECK (total < 9) NOT VALID;",
    "constraint-missing-not-valid": "ALTER TABLE orders ADD CONSTRAINT c CHECK (total < 9);",
    "disallowed-unique-constraint": "ALTER TABLE orders ADD CONSTRAINT u UNIQUE (total);",
    "adding-foreign-key-constraint": "ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES x (id);",
    "adding-field-with-default": "ALTER TABLE orders ADD COLUMN key uuid DEFAULT gen_random_uuid();",
    "require-concurrent-index-creation": "CREATE INDEX i ON orders (total);",
    "require-concurrent-index-deletion": "DROP INDEX orders_due_ix;",
    "a file of its own": "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (total);",
    "in-transaction": f"{GOOD['an index outside']}\nSELECT 1;",
    "ban-drop-not-null": "ALTER TABLE orders ALTER COLUMN total DROP NOT NULL;",
    "ban-revoke": "REVOKE SELECT ON orders FROM orders_runtime;",
    "prefer-robust-stmts": f"{OUTSIDE_A_TRANSACTION}\nCREATE INDEX CONCURRENTLY i ON orders (total);",
    "syntax-error": "ALTER TABLE orders DROOP COLUMN total;",
    "declared as": "-- contract: nobody uses it\nALTER TABLE orders DROP COLUMN total;",
    "not ignored": "-- squawk-ignore ban-drop-column\nALTER TABLE orders DROP COLUMN total;",
}
DROP = "-- contract: unused since {}\nALTER TABLE orders DROP COLUMN total;"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with three releases behind it, of which the second one is what serves."""
    root = tmp_path_factory.mktemp("tree")
    (root / "orders" / "migrations").mkdir(parents=True)
    (root / "deploy").mkdir()
    (root / "deploy" / "previous-release").write_text("v2\n")
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@souk.example"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for release in ("v1", "v2", "v3"):
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", release], check=True)
        subprocess.run([*git, "tag", release], check=True)
    return root


def found(tree: Path, text: str) -> list[str]:
    (tree / "orders" / "migrations" / "0009_new.sql").write_text(text)
    return check(tree, set())


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_expands_is_good(tree, text):
    assert found(tree, text) == []


@pytest.mark.parametrize(("rule", "text"), BAD.items(), ids=BAD)
def test_what_the_previous_release_or_its_users_suffer_from_is_refused(tree, rule, text):
    lines = found(tree, text)
    assert any(rule in line for line in lines), lines
    assert all(line.startswith("orders/migrations/0009_new.sql:") for line in lines)


@pytest.mark.parametrize("release", ["v1", "v2"])
def test_what_the_previous_release_uses_no_more_is_taken_away(tree, release):
    assert found(tree, DROP.format(release)) == []


@pytest.mark.parametrize(("release", "why"), [("v3", "not out yet"), ("v9", "no release")])
def test_what_the_previous_release_may_still_use_is_not(tree, release, why):
    (line,) = found(tree, DROP.format(release))
    assert why in line
    assert line.startswith("orders/migrations/0009_new.sql:1:")


def test_a_contract_is_about_its_own_statement(tree):
    lines = found(tree, f"{DROP.format('v1')}\nALTER TABLE orders DROP COLUMN currency;")
    assert [line.split(": ")[:2] for line in lines] == [
        ["orders/migrations/0009_new.sql:3", "ban-drop-column"]
    ]


def test_a_contract_does_not_excuse_a_long_lock(tree):
    lines = found(tree, "-- contract: unused since v1\nCREATE UNIQUE INDEX i ON orders (total);")
    assert ["require-concurrent-index-creation" in line for line in lines] == [True]


def test_every_rule_is_one_that_squawk_knows():
    program = ROOT / "scripts" / ".venv" / "bin" / "squawk"
    asked = [f"--include={rule}" for rule in (*CONTRACTS, *NOT_ASKED)]
    assert subprocess.run([program, *asked], input="", text=True, cwd="/").returncode == 0


def test_the_migrations_of_this_tree_leave_the_previous_release_working():
    assert check(ROOT, set()) == []
    assert all((ROOT / name).exists() for name in OLDER_THAN_THE_RULES)


def test_what_applies_migrations_knows_the_same_mark():
    source = ROOT / "libs" / "chassis" / "src" / "chassis" / "migrations.py"
    assert f'b"{OUTSIDE_A_TRANSACTION}\\n"' in source.read_text()
