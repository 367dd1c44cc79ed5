"""Settings of the sandbox, read from SANDBOX_* variables."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chassis import checks
from chassis.settings import Secret, setting


def usable_ledger(file: Path) -> None:
    """Check that a ledger can be opened and written. Raises ValueError."""
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as ledger:
            ledger.execute("PRAGMA journal_mode = WAL")
            ledger.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as failure:
        raise ValueError(f"{file} cannot be used as a ledger: {failure}.") from failure


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the sandbox is told."""

    bind: str = setting(
        "127.0.0.1:12111", check=checks.listening_address, doc="address the sandbox listens on"
    )
    ledger_file: Path = setting(
        check=usable_ledger, doc="SQLite file of the ledger; made if missing, never emptied"
    )
    api_key: Secret = setting(doc="the one API key that is accepted")
    webhook_url: str = setting("", doc="where events are sent; empty: they are recorded only")
    webhook_secret: Secret = setting(doc="secret the webhooks are signed with")
    webhook_retry_seconds: float = setting(
        3600.0, minimum=0, doc="how long an event is tried again, in seconds after it happened"
    )
    settle_delay_seconds: float = setting(
        3.0, minimum=0, maximum=3600, doc="time until a silent payment settles, or a refund fails, in seconds"
    )
    slow_seconds: float = setting(
        3.0, minimum=0, maximum=300, doc="time until a slow payment is answered, in seconds"
    )
    silent_seconds: float = setting(
        30.0, minimum=0, maximum=300, doc="time until the connection of a silent payment is cut, in seconds"
    )
    log_level: str = setting(
        "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), doc="least severe level that is logged"
    )
