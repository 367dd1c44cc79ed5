"""Refusals of the token endpoints: RFC 6749's form instead of a problem document, served and documented."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, request

from chassis import problems
from chassis.presenting import dump_bytes
from users.domain import CLIENTS
from users.oauth import COOKIE, REVOCATION_PATH, TOKEN_PATH

PATHS = (TOKEN_PATH, REVOCATION_PATH)
CLIENTS_WITH_COOKIE = [client.id for client in CLIENTS.values() if client.keeps_refresh_token_in_cookie]
CODES = frozenset(
    {
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unsupported_grant_type",
        "unsupported_token_type",
    }
)
# What RFC 6749, section 5.2 leaves out of an error_description.
_unsayable = re.compile(r"[^ !#-\[\]-~]")

OAUTH_ERROR = {
    "type": "object",
    "description": "RFC 6749, section 5.2",
    "required": ["error", "error_description"],
    "properties": {
        "error": {"type": "string", "enum": [*sorted(CODES), "server_error", "temporarily_unavailable"]},
        "error_description": {"type": "string"},
    },
    "additionalProperties": False,
}


def init_app(app: Flask) -> None:
    @app.after_request
    def speak_oauth(response: Response) -> Response:
        if request.path in PATHS:
            response.headers["Pragma"] = "no-cache"
            if response.mimetype == problems.MEDIA_TYPE:
                _reword(response)
        return response


def _reword(response: Response) -> None:
    problem = response.get_json(force=True)
    response.status_code = _status(response.status_code)
    response.data = dump_bytes(
        {
            "error": _error(problem["code"], response.status_code),
            "error_description": _unsayable.sub("'", _description(problem)),
        }
    )
    response.content_type = "application/json"


def _description(problem: Mapping[str, Any]) -> str:
    wrong = [
        f"{each.get('parameter') or each['pointer']}: {each['detail']}" for each in problem.get("errors", ())
    ]
    return " ".join(wrong) or problem["detail"]


def _status(status: int) -> int:
    return 400 if status == 422 else status


def _error(code: str, status: int) -> str:
    if code in CODES:
        return code
    if status == 500:
        return "server_error"
    return "temporarily_unavailable" if status > 500 else "invalid_request"


def document(openapi: dict[str, Any]) -> None:
    """Correct what the service's OpenAPI document says about the token endpoints."""
    components = openapi["components"]
    components["schemas"]["OAuthError"] = OAUTH_ERROR
    for form in ("TokenForm", "RevocationForm"):
        components["schemas"][form]["additionalProperties"] = {"type": "string"}  # no parameter comes twice
        components["schemas"][form]["propertyNames"] = {"minLength": 1}
    # Whoever holds the cookie names no token.
    components["schemas"]["RevocationForm"]["anyOf"] = [
        {"required": ["token"]},
        {"properties": {"client_id": {"enum": CLIENTS_WITH_COOKIE}}},
    ]
    components["securitySchemes"]["oauth"] = {
        "type": "oauth2",
        "description": "How clients get the access token that the gateway turns into the assertion.",
        "flows": {"password": {"tokenUrl": TOKEN_PATH, "refreshUrl": TOKEN_PATH, "scopes": {}}},
    }
    for path in PATHS:
        operation = openapi["paths"][path]["post"]
        operation["parameters"].append({"in": "cookie", "name": COOKIE, "schema": {"type": "string"}})
        operation["responses"] = _reworded(operation["responses"])


def _reworded(responses: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthError"}}}
    return {
        status: response if status < "400" else response | {"content": content}
        for status, response in responses.items()
        if status != "422"
    }
