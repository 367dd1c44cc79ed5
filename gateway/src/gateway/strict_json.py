"""JSON of a stranger, read in the one way that leaves no room: an object, no member twice, no NaN."""

import json
from typing import Any, NoReturn


class NotStrictJson(ValueError):
    """The text is no JSON object, or one that two readers could read in two ways."""


def load_object(raw: bytes) -> dict[str, Any]:
    """Return the members of a JSON object in UTF-8. Raises NotStrictJson."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as wrong:
        raise NotStrictJson(str(wrong)) from wrong
    if not isinstance(value, dict):
        raise NotStrictJson("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member comes twice")
    return members


def _refuse(constant: str) -> NoReturn:
    raise NotStrictJson(f"{constant} is not JSON")
