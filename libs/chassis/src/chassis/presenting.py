"""Answers as JSON: a marshmallow schema turned once into plain functions, so that nothing is looked up a
request."""

from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any

import orjson
from marshmallow import Schema, fields

from chassis import paging

Present = Callable[[Any], Any]

# orjson writes these as marshmallow would: UUIDs and datetimes as text, enums by value.
_NATIVE = (
    fields.String,
    fields.Integer,
    fields.Float,
    fields.Boolean,
    fields.UUID,
    fields.AwareDateTime,
    fields.Raw,
)
_OPTIONS = orjson.OPT_UTC_Z


def dump_bytes(value: Any) -> bytes:
    """Return a JSON value as bytes: UUIDs and datetimes (UTC as `Z`) as text."""
    return orjson.dumps(value, option=_OPTIONS)


def presenter(view: type[Schema]) -> Present:
    """Return the function that turns an object or a mapping into what `view` shows of it."""
    shown = [_shown(name, each) for name, each in view().dump_fields.items()]

    def present(source: Any) -> dict[str, Any]:
        if isinstance(source, Mapping):
            return {key: convert(from_mapping(source)) for key, from_mapping, _, convert in shown}
        return {key: convert(from_object(source)) for key, _, from_object, convert in shown}

    return present


def page_of(view: type[Schema]) -> type[Schema]:
    """Return the schema of a page of `view`s: {"data": [...], "next_cursor": ...}; it presents a
    `paging.Page`."""
    name = view.__name__.removesuffix("Schema") + "Page"
    cursor = fields.String(required=True, allow_none=True, metadata={"pattern": paging.CURSOR_PATTERN})
    data = fields.List(fields.Nested(view), required=True, attribute="items")
    return Schema.from_dict({"data": data, "next_cursor": cursor}, name=name)


def _shown(name: str, each: fields.Field[Any]) -> tuple[str, Present, Present, Present]:
    attribute = each.attribute or name
    return each.data_key or name, itemgetter(attribute), attrgetter(attribute), _converter(each)


def _converter(each: fields.Field[Any]) -> Present:
    if isinstance(each, fields.Nested):
        inner = presenter(type(each.schema))
        if each.many:
            return lambda values: [inner(value) for value in values]
        return lambda value: None if value is None else inner(value)
    if isinstance(each, fields.List):
        item = _converter(each.inner)
        return lambda values: None if values is None else [item(value) for value in values]
    if isinstance(each, _NATIVE):
        return _same
    raise TypeError(f"A view cannot show a {type(each).__name__}.")


def _same(value: Any) -> Any:
    return value
