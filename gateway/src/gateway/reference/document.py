"""One service's OpenAPI document, read with distrust: its operations by method and shape of path."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

COMPONENTS = "#/components/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_parameter = re.compile(r"\{([^{}]+)\}")
# References are looked for in the text of JSON: a walk through the trees takes fifty times as long.
_component = re.compile(r'(?<!\\)"#/components/([^"\\/]+)/([^"\\/]+)(?=["/])')
_elsewhere = re.compile(rb'(?<!\\)"\$ref":"(?!#/components/)')

Tree = dict[str, Any]


class DocumentRefused(Exception):
    """A service's document is none that can be merged; says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its path as the service writes it, and all that is said of it."""

    path: str
    tree: Tree


def shape(path: str) -> str:
    """Return a path without the names of its parameters."""
    return _parameter.sub("{}", path)


def parameters_of(path: str) -> list[str]:
    """Return the names of a path's parameters, in order."""
    return _parameter.findall(path)


class ServiceDocument:
    """A document that has passed the checks; `info`, and `components` by "kind/name"."""

    def __init__(self, body: bytes) -> None:
        """Read a document. Raises DocumentRefused."""
        try:
            tree = orjson.loads(body)
        except ValueError as wrong:
            raise DocumentRefused(f"it is not JSON: {wrong}") from wrong
        _check_form(tree)
        self.info: Tree = tree["info"]
        self.components = {
            f"{kind}/{name}": definition
            for kind, definitions in tree.get("components", {}).items()
            if kind != "securitySchemes"  # those are the gateway's
            for name, definition in definitions.items()
        }
        _check_references(tree, self.components)
        self._operations = {
            (method.upper(), shape(path)): Operation(path, operation)
            for path, item in tree["paths"].items()
            for method, operation in _operations(item, self.components)
        }

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation of a path of this shape, if the service has it."""
        return self._operations.get((method, shape(path)))


def referred(node: object) -> set[str]:
    """Return the components, by "kind/name", that a tree refers to."""
    return {f"{kind}/{name}" for kind, name in _component.findall(orjson.dumps(node).decode())}


def renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return a copy of a tree that refers to components by their new names."""

    def rename(found: re.Match[str]) -> str:
        old = f"{found[1]}/{found[2]}"
        return found[0].replace(old, names.get(old, old), 1)

    return orjson.loads(_component.sub(rename, orjson.dumps(node).decode()))


def _operations(item: Tree, components: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield the operations of a path, with the parameters they share, and no reference where one could be."""
    shared = [_resolved(each, components) for each in item.get("parameters", [])]
    for method in _METHODS:
        if method in item:
            own = [_resolved(each, components) for each in item[method].get("parameters", [])]
            named = {(each.get("in"), each.get("name")) for each in own}
            inherited = [each for each in shared if (each.get("in"), each.get("name")) not in named]
            answers = item[method]["responses"]
            yield (
                method,
                {
                    **item[method],
                    "parameters": [*inherited, *own],
                    "responses": {status: _resolved(answers[status], components) for status in answers},
                },
            )


def _resolved(node: Tree, components: Tree) -> Tree:
    while "$ref" in node:
        node = components[node["$ref"].removeprefix(COMPONENTS)]
    return node


def _check_form(tree: Any) -> None:
    if not (isinstance(tree, dict) and str(tree.get("openapi")).startswith("3.1.")):
        raise DocumentRefused("it is not OpenAPI 3.1")
    items = tree.get("paths")
    components = tree.get("components", {})
    described = (
        isinstance(tree.get("info"), dict)
        and isinstance(items, dict)
        and all(isinstance(item, dict) for item in items.values())
        and all(
            isinstance(item[method], dict) and isinstance(item[method].get("responses"), dict)
            for item in items.values()
            for method in _METHODS
            if method in item
        )
        and isinstance(components, dict)
        and all(isinstance(definitions, dict) for definitions in components.values())
    )
    if not described:
        raise DocumentRefused("it has not the form of a document")


def _check_references(tree: Tree, components: Tree) -> None:
    try:
        unknown = referred(tree) - components.keys()
        elsewhere = set(_elsewhere.findall(orjson.dumps(tree)))
    except orjson.JSONEncodeError as wrong:
        raise DocumentRefused(f"it is nested too deeply: {wrong}") from wrong
    if unknown:
        raise DocumentRefused(f"it refers to what it does not have: {', '.join(sorted(unknown))}")
    if elsewhere:
        raise DocumentRefused("it refers to what is not in its components")
