"""Which requests go to a canary: a share of all, and those that a header sends there or keeps from there."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_field_name = re.compile(r"[a-z0-9-]+")
_KEYS = ("canary_share", "canary_header")
_SAID = {b"always": 1.0, b"never": 0.0}


@dataclass(frozen=True, slots=True)
class Canary:
    """`share` of the requests (0 to 1), unless the value of `header` (lower case, empty: none) is always or never."""

    share: float = 0.0
    header: bytes = b""

    def share_of(self, fields: Iterable[tuple[bytes, bytes]]) -> float:
        """Return the share for a request with these fields: 1 and 0 where it says so itself."""
        if self.header:
            for name, value in fields:
                if name == self.header:
                    return _SAID.get(value.strip().lower(), self.share)
        return self.share


def canary_faults(document: Mapping[str, Any], upstreams: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the `[upstream.NAME]` tables of a route file."""
    tables = document.get("upstream", {})
    if not isinstance(tables, dict):
        yield "upstream is no table"
        return
    for upstream, table in tables.items():
        if upstream not in upstreams or not isinstance(table, dict):
            yield f"upstream.{upstream} is none of {', '.join(sorted(upstreams))}"
            continue
        for name, value in table.items():
            if name not in _KEYS:
                yield f"upstream.{upstream}: {name} is not known"
            elif not (_is_share(value) if name == "canary_share" else _is_header(value)):
                yield f"upstream.{upstream}: {name} cannot be {value!r}"


def canaries_of(document: Mapping[str, Any]) -> dict[str, Canary]:
    """Return the canaries of a route file by upstream; it has been checked."""
    return {
        upstream: Canary(float(table.get("canary_share", 0)), table.get("canary_header", "").encode())
        for upstream, table in document.get("upstream", {}).items()
    }


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1  # type: ignore[operator]


def _is_header(value: object) -> bool:
    return isinstance(value, str) and _field_name.fullmatch(value) is not None
