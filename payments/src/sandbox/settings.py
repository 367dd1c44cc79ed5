"""Settings of the sandbox, read from SANDBOX_* variables."""

from dataclasses import dataclass
from pathlib import Path

from chassis.settings import Secret, setting


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the sandbox is told."""

    bind: str = setting("127.0.0.1:12111", doc="address the sandbox listens on")
    ledger_file: Path = setting(doc="SQLite file of the ledger; made if missing, never emptied")
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
