"""The OpenAPI document of the whole system: what the routes let through of the services' documents, in one."""

from collections.abc import Iterable, Mapping
from typing import Any

from chassis.openapi import PROBLEM
from gateway.reference import policies
from gateway.reference.components import Components, reached
from gateway.reference.document import Operation, ServiceDocument, Tree, parameters_of, renamed, shape
from gateway.routes import Route

VERSION = "3.1.0"
_ABOUT = """\
Send an access token as `Authorization: Bearer`. Every answer has an `X-Request-ID`; say it when you ask about one.
Errors are problem documents (RFC 9457) whose `code` is stable, those of the token endpoints have the form of RFC 6749.
Lists go on with `?cursor=` the last answer's `next_cursor`. Money is in minor units, time is UTC in RFC 3339."""
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of POST /api/v1/auth/token; `admin` where only an administrator's will do",
}
_OAUTH_REFUSAL = {
    "type": "object",
    "description": "RFC 6749, section 5.2: a refusal of the gateway",
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string", "enum": ["invalid_request", "server_error", "temporarily_unavailable"]},
        "error_description": {"type": "string"},
    },
    "additionalProperties": False,
}


def merge(
    routes: Iterable[Route], documents: Mapping[str, ServiceDocument | None], *, release: str, origin: str
) -> Tree:
    """Return one document for all routes, by the services in the order of `documents`; None is one that has not
    answered yet, and is named in `x-missing-services`. `origin` is where clients find the gateway."""
    merging = _Merging()
    missing = [name for name, document in documents.items() if document is None]
    for name, document in documents.items():
        if document is not None:
            merging.add(name, document, [route for route in routes if route.upstream == name])
    about = _ABOUT
    if missing:
        about += f"\n\nNot described now, because they have not answered yet: {', '.join(missing)}."
    return {
        "openapi": VERSION,
        "info": {"title": "Souk", "version": release, "description": about},
        "servers": [{"url": origin}],
        "tags": [{"name": name} for name, document in documents.items() if document is not None],
        "paths": merging.paths,
        "components": {**merging.components.tree(), "securitySchemes": {"bearer": _BEARER}},
        **({"x-missing-services": missing} if missing else {}),
    }


class _Merging:
    """What has been merged so far."""

    def __init__(self) -> None:
        self.paths: dict[str, Tree] = {}
        self.components = Components()
        self.components.take(
            "gateway",
            {
                "schemas/Problem": PROBLEM,
                "schemas/OAuthRefusal": _OAUTH_REFUSAL,
                "responses/Refused": policies.refused_by_form(),
            },
        )
        self._written: dict[str, str] = {}  # how the path of a shape was written first
        self._ids: set[str] = set()

    def add(self, service: str, document: ServiceDocument, routes: Iterable[Route]) -> None:
        """Add what some routes let through of a service."""
        found = [
            (route, method, operation)
            for route in routes
            for method in route.methods
            if (operation := document.operation(method, route.template)) is not None
        ]
        passed = [_passed(operation, route) for route, _, operation in found]
        names = self.components.take(service, reached(passed, document.components))
        for (route, method, operation), tree in zip(found, passed, strict=True):
            merged = renamed(tree, names)
            merged["responses"] = policies.with_refusals(
                merged["responses"], route, reads_body="requestBody" in merged
            )
            merged["operationId"] = self._id(service, merged.get("operationId", f"{method} {route.template}"))
            path = self._path(operation.path, merged)
            self.paths.setdefault(path, {})[method.lower()] = {
                "tags": [service],
                **merged,
                "security": policies.security_of(route),
                "x-limits": policies.limits_of(route, reads_body="requestBody" in merged),
            }

    def _id(self, service: str, wanted: str) -> str:
        while wanted in self._ids:
            wanted = f"{service}_{wanted}"
        self._ids.add(wanted)
        return wanted

    def _path(self, path: str, operation: Tree) -> str:
        """Return the path as it was written first, with the operation's parameters called as there."""
        written = self._written.setdefault(shape(path), path)
        names = dict(zip(parameters_of(path), parameters_of(written), strict=True))
        operation["parameters"] = [
            {**each, "name": names[each["name"]]} if each.get("in") == "path" else each
            for each in operation["parameters"]
        ]
        return written


def _passed(operation: Operation, route: Route) -> dict[str, Any]:
    return {
        **operation.tree,
        "parameters": policies.parameters_of(operation, route),
        "responses": policies.visible(operation, route),
    }
