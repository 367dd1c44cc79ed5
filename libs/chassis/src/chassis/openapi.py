"""The OpenAPI 3.1 document of a service, made from its routes: what is documented is what is done."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from chassis import errors
from chassis.errors import ServiceError
from chassis.idempotency import KeyReused, RequestInProgress
from chassis.idempotency_key import KeyMalformed, KeyMissing
from chassis.problems import MEDIA_TYPE, status_of
from chassis.routes import UNSIGNED, Route

_parameter = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
_CONVERTERS: dict[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "string": {"type": "string", "minLength": 1},
}
# What idempotency_key.parse_key accepts: a string of RFC 8941, or its bare characters.
_KEY_PATTERN = r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--~]([ !#-+\--~]{0,253}[!#-+\--~])?)$'
_EVERYWHERE = (ServiceError, errors.Unavailable, errors.DeadlineExceeded)
_FIELD = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) into the body"},
        "parameter": {"type": "string", "description": "name of the header, path or query parameter"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "additionalProperties": False,
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document; `code` is stable",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": _FIELD},
    },
    "additionalProperties": False,
}


def describe(name: str, version: str, routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of some routes."""
    spec = APISpec(title=name, version=version, openapi_version="3.1.0", plugins=[MarshmallowPlugin()])
    spec.components.schema("Problem", PROBLEM)
    spec.components.security_scheme("assertion", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    for route in routes:
        spec.path(path=path_of(route.rule), operations={route.method.lower(): _operation(route)})
    return spec.to_dict()


def path_of(rule: str) -> str:
    """Return the path template of a Flask rule."""
    return _parameter.sub(r"{\2}", rule)


def _operation(route: Route) -> dict[str, Any]:
    summary = (
        (route.view.__doc__ or route.view.__name__.replace("_", " ").capitalize()).strip().splitlines()[0]
    )
    operation: dict[str, Any] = {
        "operationId": route.view.__name__,
        "summary": summary,
        "parameters": _parameters(route),
        "responses": {**_answers(route), **_problems(route)},
        "security": [] if route.caller is UNSIGNED else [{"assertion": []}],
    }
    if route.reads_body:
        operation["requestBody"] = {"required": True, "content": _content(route)}
    return operation


def _content(route: Route) -> dict[str, Any]:
    if route.body is not None:
        return {"application/json": {"schema": route.body}}
    if route.form is not None:
        return {"application/x-www-form-urlencoded": {"schema": route.form}}
    return {"application/octet-stream": {"schema": {}}}


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if route.path is not None:
        parameters.append({"in": "path", "schema": route.path})
    else:
        for converter, name in _parameter.findall(route.rule):
            schema = _CONVERTERS[converter or "string"]
            parameters.append({"in": "path", "name": name, "required": True, "schema": schema})
    if route.query is not None:
        parameters.append({"in": "query", "schema": route.query})
    if route.idempotent:
        key = {"type": "string", "pattern": _KEY_PATTERN}
        parameters.append({"in": "header", "name": "Idempotency-Key", "required": True, "schema": key})
    return parameters


def _answers(route: Route) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for status in (route.status, *route.also):
        answers[str(status)] = {"description": HTTPStatus(status).phrase}
        if route.media_type is not None and status == route.status:
            answers[str(status)]["content"] = {route.media_type: {"schema": {}}}
        if route.answer is not None and status not in (204, 304):
            answers[str(status)]["content"] = {"application/json": {"schema": route.answer}}
    return answers


def _problems(route: Route) -> dict[str, Any]:
    """Return the problems a route may answer: its own, and those that follow from what it reads."""
    codes: dict[str, list[str]] = {}
    for error in (*route.errors, *_implied(route), *_EVERYWHERE):
        listed = codes.setdefault(str(status_of(error)), [])
        if error.code not in listed:
            listed.append(error.code)
    return {status: _problem(", ".join(codes[status])) for status in sorted(codes)}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": "Problem"}}}


def _implied(route: Route) -> list[type[ServiceError]]:
    implied: list[type[ServiceError]] = [errors.BadRequest, errors.MalformedQuery, errors.Invalid]
    if "<" in route.rule:
        implied.append(errors.NotFound)
    if route.caller is not UNSIGNED:
        implied += [errors.AssertionMissing, errors.Unauthenticated, errors.Forbidden]
    if route.reads_body:
        implied.append(errors.TooLarge)
    if route.body is not None:
        implied += [errors.MalformedJson, errors.UnsupportedMediaType]
    if route.form is not None:
        implied += [errors.MalformedForm, errors.UnsupportedMediaType]
    if route.idempotent:
        implied += [KeyMissing, KeyMalformed, KeyReused, RequestInProgress]
    return implied
