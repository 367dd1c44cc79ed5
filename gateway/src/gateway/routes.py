"""The routes, compiled into a tree of path segments."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chassis.errors import MethodNotAllowed, NotFound
from gateway.canary import Canary

PUBLIC, USER, ADMIN = "public", "user", "admin"
_PARAMETER = "{}"


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
    body_seconds: float = 10.0
    stream_seconds: float = 0.0
    compress_min_bytes: float = math.inf
    reads_token: bool = True
    takes_cookies: bool = False
    oauth_errors: bool = False
    rate: str | None = None
    throttles_logins: bool = False
    canary: Canary | None = None
    cache: bool = False
    shared_forward: Mapping[bytes, bytes] = field(default_factory=dict)  # ... where the answer may be for all


@dataclass(slots=True)
class Place:
    """One place in the tree of segments; `{}` is the branch of a parameter. `routes` are those at it, by method."""

    branches: dict[str, "Place"] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    allowed: str = ""
    oauth_errors: bool = False


class Routes:
    """All routes, found by path and method."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._root = Place()
        for route in self.all:
            self._add(route)

    def match(self, method: str, path: str) -> Route:
        """Return the route of a checked path. Raises NoRoute, or WrongMethod with the methods that are allowed."""
        place = self.find(path)
        route = place.routes.get(method)
        if route is None:
            raise WrongMethod(place.allowed, oauth_errors=place.oauth_errors)
        return route

    def find(self, path: str) -> Place:
        """Return what is at a checked path. Raises NoRoute."""
        place = _find(self._root, path.split("/"), 1)
        if place is None:
            raise NoRoute()
        return place

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            node = node.branches.setdefault(_PARAMETER if segment.startswith("{") else segment, Place())
        for method in route.methods:
            node.routes[method] = route
        node.allowed = ", ".join(sorted(node.routes))
        node.oauth_errors = node.oauth_errors or route.oauth_errors


def _find(node: Place, segments: list[str], depth: int) -> Place | None:
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
