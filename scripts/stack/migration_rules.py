"""What a migration may do while the release before it serves: expand now, contract once nothing uses it any more.

squawk knows the rules. What only breaks the previous release is a contract, and its statement says above itself since
which release nothing needs what it takes away; that has to be the previous release, or one before it:

    -- contract: unused since v1.4
    ALTER TABLE orders DROP COLUMN note;

Usage: scripts/lint-migrations [SERVICE...]
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from stack.places import Places

POSTGRES = "17"
# As chassis.migrations has it.
OUTSIDE_A_TRANSACTION = "-- outside a transaction"
# What the previous release may still use, or write.
CONTRACTS = (
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-alter-identity",
    "ban-drop-column",
    "ban-drop-constraint",
    "ban-drop-default",
    "ban-drop-domain",
    "ban-drop-function",
    "ban-drop-index",
    "ban-drop-not-null",
    "ban-drop-schema",
    "ban-drop-sequence",
    "ban-drop-table",
    "ban-drop-trigger",
    "ban-drop-type",
    "ban-drop-view",
    "ban-new-write-restriction",
    "ban-replace-view-function",
    "ban-revoke",
    "ban-set-schema",
    "changing-column-type",
    "renaming-column",
    "renaming-object",
    "renaming-table",
)
# Taste, and what chassis.migrations does for every file.
NOT_ASKED = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "require-lock-timeout",
    "require-statement-timeout",
    "require-timeout-settings",
)
# Applied before there were rules; a file that was applied cannot be changed any more.
OLDER_THAN_THE_RULES = (
    "orders/migrations/0004_owed_refunds.sql",
    "orders/migrations/0005_outbox_append_only.sql",
    "payments/migrations/0004_books.sql",
    "payments/migrations/0006_outbox_append_only.sql",
    "users/migrations/0006_outbox_append_only.sql",
)
# A constraint of a column that the previous release does not know meets its default alone.
OF_A_NEW_COLUMN = "A new column constraint"

_contract = re.compile(r"^--\s*contract:\s*unused since (\S+)\s*$", re.MULTILINE)
_malformed = re.compile(r"^--\s*contract\b(?!:\s*unused since \S+\s*$)", re.MULTILINE)
_concurrently = re.compile(r"^(?!\s*--).*\bCONCURRENTLY\b", re.MULTILINE | re.IGNORECASE)
_ignored = re.compile(r"squawk-ignore(?:-file)?\b(.*)")


def check(root: Path, wanted: set[str]) -> list[str]:
    """Return what is wrong in the migrations of the wanted services, or of all where none is named."""
    files = sorted(root.glob("*/migrations/*.sql"))
    return [
        f"{name}:{found}"
        for file in files
        if not wanted or file.parents[1].name in wanted
        for name in [str(file.relative_to(root))]
        if name not in OLDER_THAN_THE_RULES
        for found in check_file(root, file)
    ]


def check_file(root: Path, file: Path) -> Iterator[str]:
    """Yield a line for each thing that is wrong in a migration."""
    text = file.read_text()
    for match in _malformed.finditer(text):
        yield f"{line_of(text, match)}: a contract is declared as `-- contract: unused since RELEASE`"
    for match in _contract.finditer(text):
        if why := too_early(root, match[1]):
            yield f"{line_of(text, match)}: {why}"
    for match in _ignored.finditer(text):
        names = {name.strip() for name in match[1].split(",")}
        if names & {"", *CONTRACTS}:
            yield f"{line_of(text, match)}: what breaks the previous release is declared as a contract, not ignored"
    if (match := _concurrently.search(text)) and not text.startswith(f"{OUTSIDE_A_TRANSACTION}\n"):
        yield f"{line_of(text, match)}: CONCURRENTLY needs a file of its own that begins with `{OUTSIDE_A_TRANSACTION}`"
    for found in squawk(_contract.sub(f"-- squawk-ignore {','.join(CONTRACTS)}", text)):
        if not found["message"].startswith(OF_A_NEW_COLUMN):
            yield f"{found['line'] + 1}: {found['rule_name']}: {found['message']}"


def squawk(text: str) -> list[dict[str, str | int]]:
    """Return what squawk says of a migration."""
    command = [
        str(Path(sys.executable).with_name("squawk")),
        "--reporter=json",
        f"--pg-version={POSTGRES}",
        "--assume-in-transaction",  # as is every file of more than one statement
        *(f"--include={rule}" for rule in CONTRACTS),
        *(f"--exclude={rule}" for rule in NOT_ASKED),
    ]
    # Asked from a folder without a configuration of somebody else's.
    ran = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/")
    if ran.stderr.strip():
        raise RuntimeError(f"squawk: {ran.stderr.strip()}")
    found: list[dict[str, str | int]] = json.loads(ran.stdout or "[]")
    return found


def too_early(root: Path, release: str) -> str:
    """Return why nothing may be taken away that a release stopped using, empty where it may."""
    previous = (root / "deploy" / "previous-release").read_text().strip()
    if git(root, "rev-parse", "--verify", f"{previous}^{{commit}}"):
        return ""  # a clone without history: a whole one will tell
    if git(root, "rev-parse", "--verify", f"{release}^{{commit}}"):
        return f"{release} is no release of this history"
    if git(root, "merge-base", "--is-ancestor", release, previous):
        return f"{release} is not out yet, and {previous} still serves while this migration runs"
    return ""


def git(root: Path, *arguments: str) -> int:
    """Return the exit code of a command of git."""
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True).returncode


def line_of(text: str, match: re.Match[str]) -> int:
    """Return the number of the line a match begins on."""
    return text.count("\n", 0, match.start()) + 1


def main() -> None:
    """Print what is wrong; the exit code says whether anything is."""
    wrong = check(Places.of().root, set(sys.argv[1:]))
    print("\n".join(wrong) or "migrations leave the previous release working")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
