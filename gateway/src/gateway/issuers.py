"""Who may issue access tokens besides ourselves: a file of OpenID Connect issuers, checked as a whole at start."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.keys import ALGORITHMS

ACCESS_TOKEN = "at+jwt"
_REQUIRED = ("name", "audience", "algorithms")
_A_DAY = 86400
# Beside alg, typ and kid: these only say once more which key it is. All others are instructions of a stranger.
_THUMBPRINTS = frozenset({"x5t", "x5t#S256"})


class IssuersError(ValueError):
    """The file of issuers cannot be used; `lines` says what is wrong with which entry."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """What a token of this issuer must be like. `own`: its subjects are users and its sessions ours, as they stand."""

    name: str
    audience: str
    algorithms: frozenset[str]
    types: frozenset[str] = frozenset({ACCESS_TOKEN})
    hints: frozenset[str] = _THUMBPRINTS
    roles_claim: tuple[str, ...] = ()
    admin_role: str = ""
    longest_seconds: int = _A_DAY
    subjects_are_users: bool = False
    own: bool = False
    jwks_url: str = ""


def ourselves(name: str, audience: str) -> Issuer:
    """Return the issuer that users is."""
    return Issuer(
        name=name,
        audience=audience,
        algorithms=frozenset({"RS256"}),
        hints=frozenset(),
        roles_claim=("roles",),
        admin_role="admin",
        longest_seconds=3600,
        subjects_are_users=True,
        own=True,
    )


def load_issuers(file: str, own_name: str) -> list[Issuer]:
    """Read the file of issuers, if one is named. Raises IssuersError with one line for each thing that is wrong."""
    if not file:
        return []
    try:
        document = tomllib.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as wrong:
        raise IssuersError([f"{file}: {wrong}"]) from wrong
    entries = document.get("issuer")
    if document.keys() != {"issuer"} or not _tables(entries):
        raise IssuersError([f"{file}: it holds [[issuer]] entries and nothing else"])
    taken = {own_name}
    lines = []
    for number, entry in enumerate(entries, 1):
        name = entry.get("name", "no name")
        lines += [f"issuer {number} ({name}): {what}" for what in _faults(entry, taken)]
        taken.add(str(name))
    if lines:
        raise IssuersError(lines)
    return [_issuer(entry) for entry in entries]


def _tables(entries: object) -> bool:
    return isinstance(entries, list) and entries != [] and all(isinstance(each, dict) for each in entries)


def _faults(entry: Mapping[str, Any], taken: Collection[str]) -> Iterator[str]:
    for name in _REQUIRED:
        if name not in entry:
            yield f"{name} is missing"
    for name, value in entry.items():
        if name not in _CHECKS:
            yield f"{name} is not known"
        elif not _CHECKS[name](value):
            yield f"{name} cannot be {value!r}"
    if entry.get("name") in taken:
        yield "name is that of another issuer, or our own"
    if ("admin_role" in entry) != ("roles_claim" in entry):
        yield "roles_claim and admin_role go together"


def _issuer(entry: Mapping[str, Any]) -> Issuer:
    claim = entry.get("roles_claim", [])
    return Issuer(
        name=entry["name"],
        audience=entry["audience"],
        algorithms=frozenset(entry["algorithms"]),
        types=frozenset(each.lower() for each in entry.get("types", [ACCESS_TOKEN])),
        roles_claim=tuple(claim.split(".") if isinstance(claim, str) else claim),
        admin_role=entry.get("admin_role", ""),
        longest_seconds=entry.get("lifetime_max_seconds", _A_DAY),
        subjects_are_users=entry.get("subjects") == "users",
        jwks_url=entry.get("jwks_url", ""),
    )


def is_web_address(value: object) -> bool:
    """Tell whether this is an http or https address without a fragment."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and "#" not in value
        )
    except ValueError:
        return False


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _texts(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(_text(each) for each in value)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "name": is_web_address,
    "audience": _text,
    "algorithms": lambda value: _texts(value) and set(value) <= ALGORITHMS.keys(),
    "jwks_url": is_web_address,
    "types": _texts,
    "roles_claim": lambda value: _texts(value.split(".") if isinstance(value, str) else value),
    "admin_role": _text,
    "subjects": lambda value: value in ("derived", "users"),
    "lifetime_max_seconds": lambda value: type(value) is int and 0 < value <= _A_DAY,
}
