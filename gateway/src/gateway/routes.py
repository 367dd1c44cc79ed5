"""The route file: read, checked as a whole, and compiled into a tree of path segments."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis.errors import MethodNotAllowed, NotFound
from gateway.front.request import METHODS

PUBLIC, USER, ADMIN = "public", "user", "admin"
_PARAMETER = "{}"
_REQUIRED = ("path", "methods", "upstream", "policy")

_path = re.compile(r"(?:/(?:[A-Za-z0-9._-]+|\{[a-z_]+\}))+")
_field_name = re.compile(r"[a-z0-9-]+")
# Never taken over from a client: they say who calls, how the message is framed, or where it came from.
_MADE_HERE = re.compile(
    r"authorization|proxy-.*|host|connection|keep-alive|te|trailer|transfer-encoding|content-length|upgrade|expect|via"
    r"|forwarded|x-forwarded-.*|x-real-ip|x-request-.*|x-original-.*|x-rewrite-.*|x-http-method.*|trace.*"
)


class RoutesError(ValueError):
    """The route file cannot be used; `lines` says what is wrong with each route."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


class NoRoute(NotFound):
    code = "not_found"
    title = "There is nothing here"


class WrongMethod(MethodNotAllowed):
    def __init__(self, allowed: str, *, oauth_errors: bool = False) -> None:
        super().__init__(f"Here go: {allowed}.")
        self.allowed = allowed
        self.oauth_errors = oauth_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route as the data path needs it; `forward` maps a request header's name to the line it becomes."""

    template: str
    methods: tuple[str, ...]
    upstream: str
    policy: str
    forward: Mapping[bytes, bytes]
    deadline_seconds: float
    body_max_bytes: int
    stream_seconds: float = 0.0
    reads_token: bool = True
    oauth_errors: bool = False


@dataclass(slots=True)
class _Node:
    """One place in the tree of segments; `{}` is the branch of a parameter."""

    branches: dict[str, "_Node"] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    allowed: str = ""
    oauth_errors: bool = False


class Routes:
    """All routes, found by path and method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._root = _Node()
        for route in self.all:
            self._add(route)

    def match(self, method: str, path: str) -> Route:
        """Return the route of a checked path. Raises NoRoute, or WrongMethod with the methods that are allowed."""
        node = _find(self._root, path.split("/"), 1)
        if node is None:
            raise NoRoute()
        route = node.routes.get(method)
        if route is None:
            raise WrongMethod(node.allowed, oauth_errors=node.oauth_errors)
        return route

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            node = node.branches.setdefault(_PARAMETER if segment.startswith("{") else segment, _Node())
        for method in route.methods:
            if method in node.routes:
                raise RoutesError([f"{method} {route.template}: there are two of it"])
            node.routes[method] = route
        node.allowed = ", ".join(sorted(node.routes))
        node.oauth_errors = node.oauth_errors or route.oauth_errors


def _find(node: _Node, segments: list[str], depth: int) -> _Node | None:
    if depth == len(segments):
        return node if node.routes else None
    segment = segments[depth]
    if not segment:
        return None
    literal = node.branches.get(segment)
    found = _find(literal, segments, depth + 1) if literal is not None else None
    if found is not None:
        return found
    parameter = node.branches.get(_PARAMETER)
    return _find(parameter, segments, depth + 1) if parameter is not None else None


def load(path: Path, upstreams: Collection[str], *, deadline_seconds: float, body_max_bytes: int) -> Routes:
    """Read a route file for these upstreams; deadline and body limit are for the routes that state none.

    Raises RoutesError with one line for each thing that is wrong.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as wrong:
        raise RoutesError([f"{path}: {wrong}"]) from wrong
    common, entries = document.get("forward", []), document.get("route", [])
    if not entries or not _forwardable(common):
        raise RoutesError([f"{path}: there is no route in it, or forward has what may not go through"])
    wrong_lines = [
        f"route {number} ({entry.get('path', 'no path')}): {what}"
        for number, entry in enumerate(entries, 1)
        for what in _faults(entry, upstreams)
    ]
    if wrong_lines:
        raise RoutesError(wrong_lines)
    defaults = {"deadline_seconds": deadline_seconds, "body_max_bytes": body_max_bytes}
    return Routes(_route({**defaults, **entry}, common) for entry in entries)


def _faults(entry: Mapping[str, Any], upstreams: Collection[str]) -> Iterator[str]:
    for name in _REQUIRED:
        if name not in entry:
            yield f"{name} is missing"
    for name, value in entry.items():
        if name not in _CHECKS:
            yield f"{name} is not known"
        elif not _CHECKS[name](value):
            yield f"{name} cannot be {value!r}"
    if entry.get("upstream") not in upstreams:
        yield f"upstream is none of {', '.join(sorted(upstreams))}"
    if "token" in entry and entry.get("policy") != PUBLIC:
        yield "token is for public routes"


def _forwardable(names: object) -> bool:
    return isinstance(names, list) and all(
        isinstance(name, str) and _field_name.fullmatch(name) and not _MADE_HERE.fullmatch(name)
        for name in names
    )


def _positive(value: object) -> bool:
    return type(value) in (int, float) and value > 0  # type: ignore[operator]  # bool is no number here


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "path": lambda value: isinstance(value, str) and _path.fullmatch(value) is not None,
    "methods": lambda value: isinstance(value, list) and value != [] and set(value) <= set(METHODS.values()),
    "upstream": lambda value: isinstance(value, str),
    "policy": lambda value: value in (PUBLIC, USER, ADMIN),
    "token": lambda value: value == "ignored",
    "errors": lambda value: value == "oauth",
    "forward": _forwardable,
    "deadline_seconds": _positive,
    "stream_seconds": _positive,
    "body_max_bytes": _positive,
}


def _route(entry: Mapping[str, Any], common: Iterable[str]) -> Route:
    methods = dict.fromkeys(entry["methods"])
    if "GET" in methods:
        methods["HEAD"] = None
    names = dict.fromkeys([*common, *entry.get("forward", [])])
    return Route(
        template=entry["path"],
        methods=tuple(methods),
        upstream=entry["upstream"],
        policy=entry["policy"],
        forward={name.encode(): f"{name.title()}: ".encode() for name in names},
        deadline_seconds=float(entry["deadline_seconds"]),
        body_max_bytes=int(entry["body_max_bytes"]),
        stream_seconds=float(entry.get("stream_seconds", 0)),
        reads_token=entry.get("token") != "ignored",
        oauth_errors="errors" in entry,
    )
