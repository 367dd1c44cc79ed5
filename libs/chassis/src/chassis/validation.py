"""What marshmallow found wrong, as field errors with stable codes and JSON pointers (RFC 6901); pure."""

from collections.abc import Iterator
from typing import Any

from marshmallow import ValidationError

from chassis.errors import FieldError, Invalid

_MOST_ERRORS = 20
_MOST_CHARACTERS = 100

# marshmallow knows texts, not codes: the code is found by how the text begins.
_CODES = {
    "Missing data": "required",
    "Unknown field": "unknown_field",
    "Field may not be null": "null",
    "Must be one of": "not_a_choice",
    "Must be greater": "out_of_range",
    "Must be less": "out_of_range",
    "Length must": "length",
    "Shorter than": "length",
    "Longer than": "length",
    "This must have": "length",
    "This does not have the form": "pattern",
}


def invalid_body(wrong: ValidationError) -> Invalid:
    """Return the 422 of a body: each error points into it."""
    found = _flat("", wrong.messages)
    return _invalid(FieldError(pointer, _code(said), said) for pointer, said in found)


def invalid_parameters(wrong: ValidationError) -> Invalid:
    """Return the 422 of a query, path or form: each error names its parameter."""
    found = _flat("", wrong.messages)
    named = ((pointer[1:].partition("/")[0] or "query", said) for pointer, said in found)
    return _invalid(FieldError("", _code(said), said, parameter=name) for name, said in named)


def _invalid(errors: Iterator[FieldError]) -> Invalid:
    listed = [each for each, _ in zip(errors, range(_MOST_ERRORS), strict=False)]
    return Invalid(listed[0].detail if len(listed) == 1 else "", errors=listed)


def _flat(pointer: str, messages: Any) -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flat(pointer if key == "_schema" else f"{pointer}/{_token(key)}", inner)
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flat(pointer, inner)
    else:
        yield pointer, str(messages)


def _token(key: Any) -> str:
    return str(key)[:_MOST_CHARACTERS].replace("~", "~0").replace("/", "~1")


def _code(said: str) -> str:
    return next((code for start, code in _CODES.items() if said.startswith(start)), "invalid")
