"""Settings: what the users service is told by its environment."""

from dataclasses import dataclass
from pathlib import Path

from chassis import checks
from chassis.settings import Secret, ServiceSettings, setting

SERVICE, PREFIX = "users", "USERS_"
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def token_keys(file: Path) -> None:
    """Check the file of the keys that sign access tokens. Raises ValueError."""
    from users.tokens import read_private_keys  # not before gevent has patched what it imports

    try:
        read_private_keys(file)
    except OSError as failure:
        raise ValueError(f"{file} cannot be read: {failure.strerror}.") from failure


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """What the web and worker processes are told."""

    token_keys_file: Path = setting(
        check=token_keys, doc="private RSA keys of access tokens (JWKS); the first signs, all are published"
    )
    token_issuer: str = setting(
        "http://127.0.0.1:8080",
        check=checks.web_address,
        doc="public origin of the shop, named in tokens and metadata",
    )
    token_audience: str = setting("souk", doc="who access tokens are for")
    access_token_lifetime_seconds: int = setting(
        600, minimum=1, maximum=3600, doc="life of an access token, in seconds"
    )
    refresh_token_lifetime_seconds: int = setting(
        2_592_000, minimum=60, doc="life of an unused refresh token, in seconds"
    )
    password_hashes_at_once: int = setting(
        2, minimum=1, maximum=64, doc="passwords a process hashes at once, 19 MiB each"
    )
    password_hashes_waiting: int = setting(
        64, minimum=0, doc="passwords that may wait for their turn in a process; one more is answered 503"
    )


@dataclass(frozen=True, kw_only=True)
class AdminSettings(Settings):
    """What `python -m users.admin` is told besides."""

    admin_password: Secret = setting(
        Secret(""), doc="the administrator's password; empty: read from standard input"
    )
