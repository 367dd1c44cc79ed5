"""Made-up values that fit a schema, and the command that sends them."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from gateway.reference.document import COMPONENTS, Tree

_DEEPEST = 6
_FORMATS = {
    "uuid": "0193b0c0-5e1a-7c3d-9f42-6d2f8a1b3c4d",
    "date-time": "2026-11-20T09:30:00Z",
    "date": "2026-11-20",
    "email": "ada@example.com",
    "uri": "https://example.com/",
}
# A text that must match a pattern is the first of these that does.
_CANDIDATES = (
    "TEA-1",
    "EUR",
    "pm_card_visa",
    "ada@example.com",
    "correct horse battery",
    _FORMATS["uuid"],
    _FORMATS["date-time"],
    "a" * 22 + "A",
    "A" * 22,
    "12345",
    "a",
    "1",
    "/",
)
_BY_NAME = {
    "email": "ada@example.com",
    "username": "ada@example.com",
    "password": "correct horse battery",
    "name": "Ada",
    "sku": "TEA-1",
    "currency": "EUR",
    "payment_method": "pm_card_visa",
    "grant_type": "password",
}
_LONG_LINE = 50
_KEY = "3f6c1d7e-example"


class Examples:
    """Values for the schemas of one document, which has these components."""

    def __init__(self, components: Tree) -> None:
        self._schemas: Tree = components.get("schemas", {})

    def resolved(self, schema: Any) -> Tree:
        """Return a schema that is not only a reference."""
        for _ in range(_DEEPEST):
            if not (
                isinstance(schema, dict) and str(schema.get("$ref", "")).startswith(f"{COMPONENTS}schemas/")
            ):
                break
            schema = self._schemas.get(schema["$ref"].rpartition("/")[2], {})
        return schema if isinstance(schema, dict) else {}

    def of(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """Return a value of a schema; of a property, `name` is its name."""
        schema = self.resolved(schema)
        for told in ("example", "const"):
            if told in schema:
                return schema[told]
        if schema.get("examples"):
            return schema["examples"][0]
        if schema.get("enum"):
            known = _BY_NAME.get(name)
            return known if known and known in schema["enum"] else schema["enum"][0]
        for several in ("allOf", "anyOf", "oneOf"):
            if schema.get(several) and "properties" not in schema:
                return self.of(schema[several][0], name, depth + 1)
        kind = schema.get("type", "object" if "properties" in schema else None)
        kind = next((each for each in kind if each != "null"), None) if isinstance(kind, list) else kind
        if depth > _DEEPEST:
            return None
        if kind == "object":
            return {
                each: self.of(inner, each, depth + 1) for each, inner in schema.get("properties", {}).items()
            }
        if kind == "array":
            return [self.of(schema.get("items", {}), name, depth + 1)]
        return _plain(kind, schema, name)


def curl(origin: str, method: str, path: str, operation: Tree, examples: Examples) -> str:
    """Return the command for an operation, one option a line."""
    query = {}
    options = [f"-X {method}"] if method != "GET" else []
    if operation.get("security"):
        options.append('-H "Authorization: Bearer $TOKEN"')
    for each in operation.get("parameters", []):
        value = examples.of(each.get("schema", {}), each["name"])
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", quote(str(value), safe=""))
        elif each.get("required") and each["in"] == "query":
            query[each["name"]] = value
        elif each.get("required") and each["in"] == "header":
            options.append("-H " + shlex.quote(f"{each['name']}: {_KEY}"))
    options += _body(operation, examples)
    target = shlex.quote(f"{origin}{path}{'?' + urlencode(query) if query else ''}")
    return " \\\n  ".join([f"curl {target}", *options])


def as_json(value: Any) -> str:
    """Return a value as people like to read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _body(operation: Tree, examples: Examples) -> Iterator[str]:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        if media_type == "application/json":
            value = content.get("example", examples.of(schema))
            yield f"-H 'Content-Type: {media_type}'"
            short = json.dumps(value, ensure_ascii=False)
            yield f"-d {shlex.quote(short if len(short) <= _LONG_LINE else as_json(value))}"
        elif media_type == "application/x-www-form-urlencoded":
            required = examples.resolved(schema).get("required", ())
            value = content.get("example") or {
                name: text for name, text in (examples.of(schema) or {}).items() if name in required
            }
            yield from ("-d " + shlex.quote(f"{name}={text}") for name, text in value.items())
        else:
            yield f"-H 'Content-Type: {media_type}'"
            yield "--data-binary @body"
        return


def _plain(kind: object, schema: Tree, name: str) -> Any:
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), min(schema.get("default") or 1, schema.get("maximum", 1)))
    if kind == "boolean":
        return True
    if kind != "string":
        return schema.get("default")
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    candidates = [_BY_NAME[name]] if name in _BY_NAME else []
    if schema.get("default"):
        candidates.append(schema["default"])
    if "pattern" not in schema:
        candidates.append(name or "text")
    return next((each for each in (*candidates, *_CANDIDATES) if _fits(each, schema)), "…")


def _fits(text: str, schema: Tree) -> bool:
    longest = schema.get("maxLength", len(text))
    return schema.get("minLength", 0) <= len(text) <= longest and _matches(schema.get("pattern", ""), text)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # of the other dialect
        return False
