"""Reading what a client sent: bodies, forms and query strings become validated dicts or errors that say why
not."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import Request
from marshmallow import Schema, ValidationError

from chassis.errors import (
    BadRequest,
    FieldError,
    Invalid,
    MalformedForm,
    MalformedJson,
    MalformedQuery,
    TooLarge,
    UnsupportedMediaType,
)
from chassis.validation import invalid_body, invalid_parameters

_MOST_PARAMETERS = 50


def read_raw(request: Request) -> bytes:
    """Return the body's bytes. Raises TooLarge, or BadRequest when the client sent fewer than it
    announced or stopped half-way."""
    raw = request.get_data(cache=False)
    if request.content_length is None:
        # Werkzeug ends a chunked body at the limit, whether more comes or not.
        if len(raw) == request.max_content_length and _more_comes(request):
            raise TooLarge()
    elif len(raw) < request.content_length:
        raise BadRequest("The body ends before its Content-Length.")
    return raw


def _more_comes(request: Request) -> bool:
    try:
        return bool(request.environ["wsgi.input"].read(1))
    except OSError:  # the client's end of the connection, not a part of ours
        raise BadRequest("The body ends before its last chunk.") from None


def read_json(request: Request, schema: Schema) -> tuple[Any, dict[str, Any]]:
    """Return the JSON body as sent, and as validated by the schema.

    Raises UnsupportedMediaType, TooLarge, MalformedJson (RFC 8259: NaN, lone surrogates and more than 1024
    levels are not JSON here) or Invalid with a pointer to each wrong field.
    """
    _expect(request, "application/json")
    raw = read_raw(request)
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        raise MalformedJson(f"The body is not JSON: line {wrong.lineno}, column {wrong.colno}.") from None
    try:
        return sent, schema.load(sent)
    except ValidationError as wrong:
        raise invalid_body(wrong) from None


def read_form(request: Request, schema: Schema) -> dict[str, Any]:
    """Return the validated fields of an application/x-www-form-urlencoded body; each may be there once."""
    _expect(request, "application/x-www-form-urlencoded")
    try:
        sent = _parameters(read_raw(request).decode("ascii"), MalformedForm)
    except ValueError:
        raise MalformedForm("The form is not application/x-www-form-urlencoded in UTF-8.") from None
    return load_parameters(sent, schema)


def read_query(request: Request, schema: Schema) -> dict[str, Any]:
    """Return the validated query parameters; each may be there once, and none that the schema does not
    know."""
    try:
        sent = _parameters(request.query_string.decode("ascii"), MalformedQuery)
    except ValueError:
        raise MalformedQuery("The query string is not percent-encoded UTF-8, or too long.") from None
    return load_parameters(sent, schema)


def load_parameters(sent: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Validate parameters that came as text. Raises Invalid that names each wrong one."""
    try:
        loaded: dict[str, Any] = schema.load(sent)
    except ValidationError as wrong:
        raise invalid_parameters(wrong) from None
    return loaded


def _parameters(text: str, malformed: type[BadRequest]) -> dict[str, str]:
    sent: dict[str, str] = {}
    for name, value in parse_qsl(
        text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
    ):
        if not name:
            raise malformed("There is a parameter without a name.")
        if name in sent:
            wrong = FieldError("", "repeated", "This is there more than once.", parameter=name[:100])
            raise Invalid(wrong.detail, errors=[wrong])
        sent[name] = value
    return sent


def _expect(request: Request, media_type: str) -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != media_type or charset != "utf-8":
        raise UnsupportedMediaType(f"The body has to be {media_type} in UTF-8.")
