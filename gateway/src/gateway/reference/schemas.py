"""Schemas in words: of what kind a value is, what bounds it, and which fields an object has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.reference.document import COMPONENTS, Tree

_DEEPEST = 4
_SCHEMAS = f"{COMPONENTS}schemas/"
_MOST_PATTERN = 60  # characters of a pattern that are worth reading


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is: words, with the name of the schema they end with where there is one, and its bounds."""

    words: str
    schema: str = ""
    bounds: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object, or one parameter, whose `place` is then told; inner fields have dotted names."""

    name: str
    kind: Kind
    required: bool
    told: str
    place: str = ""


def kind_of(schema: Any) -> Kind:
    """Return what a schema's values are."""
    if not isinstance(schema, dict):
        return Kind("anything" if schema else "nothing")
    reference = schema.get("$ref", "")
    if isinstance(reference, str) and reference.startswith(_SCHEMAS):
        return Kind("", reference.removeprefix(_SCHEMAS))
    for several in ("allOf", "anyOf", "oneOf"):
        if schema.get(several) and "properties" not in schema:
            return _several([kind_of(each) for each in schema[several]])
    types = schema.get("type", "object" if "properties" in schema else "anything")
    types = types if isinstance(types, list) else [types]
    nullable = " or null" if "null" in types and len(types) > 1 else ""
    name = " or ".join(each for each in types if each != "null") or "null"
    if name == "array":
        inner = kind_of(schema.get("items", {}))
        words = f"list of {inner.words}" if inner.words else "list of "
        return Kind(words + nullable, inner.schema, (*_bounds(schema), *inner.bounds), inner.values)
    values = tuple(str(each) for each in schema.get("enum", ()) if each is not None)
    if "const" in schema:
        values = (str(schema["const"]),)
    return Kind(name + nullable, bounds=tuple(_bounds(schema)), values=values)


def fields_of(schema: Any, prefix: str = "", depth: int = 0) -> list[Field]:
    """Return the fields of an object, with those of the objects that are written out in it."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return []
    if "properties" not in schema:
        return fields_of(schema["items"], f"{prefix}[]", depth + 1) if "items" in schema else []
    found = []
    required = schema.get("required", ())
    for name, inner in schema["properties"].items():
        whole = f"{prefix}.{name}" if prefix else name
        told = inner.get("description", "") if isinstance(inner, dict) else ""
        found.append(Field(whole, kind_of(inner), name in required, told))
        found += fields_of(inner, whole, depth + 1)
    return found


def _several(kinds: list[Kind]) -> Kind:
    if len(kinds) == 1:
        return kinds[0]
    linked = [each for each in kinds if each.schema]
    words = [each.words for each in kinds if not each.schema]
    if len(linked) == 1:
        return Kind("".join(f"{each} or " for each in words), linked[0].schema)
    return Kind(" or ".join([*words, *(each.schema for each in linked)]))


def _bounds(schema: Tree) -> Iterator[str]:
    if "format" in schema:
        yield str(schema["format"])
    for least, most, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            yield f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
        elif high is not None:
            yield f"at most {high}{unit}"
        elif low:
            yield f"at least {low}{unit}"
    if 0 < len(schema.get("pattern", "")) <= _MOST_PATTERN:
        yield f"like {schema['pattern']}"
    if schema.get("default") is not None:
        yield f"default {schema['default']}"
