"""Checks: whether the value of a setting can be what it is for, told before anything is served.

Each takes a value and raises ValueError, which says what is wrong and never shows a password. What they look with is
imported when they do: gunicorn reads settings before gevent has patched the standard library.
"""

from pathlib import Path
from urllib.parse import urlsplit

_BROKER_SCHEMES = frozenset({"nats", "tls", "ws", "wss"})


def listening_address(text: str) -> None:
    """Check an address to listen on."""
    if text.startswith(("unix:", "fd://")) and text.partition(":")[2].strip("/"):
        return
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError("This is no address to listen on: host:port, [host]:port or unix:path.")


def web_address(text: str) -> None:
    """Check the address of an HTTP service."""
    if not _is_address(text, {"http", "https"}):
        raise ValueError("This is no address of a service: http://host:port.")


def broker_address(text: str) -> None:
    """Check the address of a message broker, or of several, separated by commas."""
    if not all(_is_address(each.strip(), _BROKER_SCHEMES) for each in text.split(",")):
        raise ValueError("This is no address of a broker: nats://user:password@host:port.")


def database_address(text: str) -> None:
    """Check a PostgreSQL URL."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(text)
    except ProgrammingError:
        raise ValueError(
            "This is no PostgreSQL URL: postgresql://role:password@host:port/database."
        ) from None


def trust_bundle(file: Path) -> None:
    """Check the file of all who sign assertions."""
    from chassis.trust import TrustBundle

    try:
        TrustBundle.load(file)
    except OSError as failure:
        raise ValueError(_unreadable(file, failure)) from failure
    except ValueError as wrong:
        raise ValueError(
            f"{file} is no trust bundle, a JWKS of public Ed25519 keys with their issuers."
        ) from wrong


def signing_key(file: Path) -> None:
    """Check the file of an own private key."""
    from jwt import PyJWTError

    from chassis.assertions import Signer

    try:
        Signer.load(file, "").sign("", None)
    except OSError as failure:
        raise ValueError(_unreadable(file, failure)) from failure
    except (LookupError, TypeError, ValueError, AttributeError, PyJWTError) as wrong:
        raise ValueError(f"{file} is no private Ed25519 key (JWK) with a kid.") from wrong


def file_in_a_folder(file: Path) -> None:
    """Check the place of a file that is made if it is missing."""
    if not file.parent.is_dir():
        raise ValueError(f"There is no folder {file.parent}.")


def _is_address(text: str, schemes: frozenset[str] | set[str]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _unreadable(file: Path, failure: OSError) -> str:
    return f"{file} cannot be read: {failure.strerror}."
