"""Trying a service against its own OpenAPI document, with schemathesis, and the document against the service."""

from collections.abc import Mapping
from typing import Any

import schemathesis
from flask import Flask

from chassis.openapi import path_of

_EVERYWHERE = {f"GET {path}" for path in ("/livez", "/readyz", "/metrics", "/openapi.json")}


def call_as_documented(case: schemathesis.Case, headers: Mapping[str, str], **options: Any) -> None:
    """Send a generated request with the headers of a caller, and check the answer with all checks; `options`
    go to `Case.call_and_validate` (`base_url`, `excluded_checks`).

    Where the request is wrong because it has no Authorization, it is sent without: with one it could be
    right, and the answer be taken for a wrong one.
    """
    negative = case.meta is not None and case.meta.generation.mode.is_negative
    anonymous = negative and "Authorization" not in (case.headers or {})
    sent = {name: value for name, value in headers.items() if not anonymous or name != "Authorization"}
    case.call_and_validate(headers=sent, **options)


def undescribed(app: Flask) -> set[str]:
    """Return the routes an app serves that its document does not have, besides those of every service."""
    document = app.test_client().get("/openapi.json").get_json()
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    served = {
        f"{method} {path_of(rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return served - described - _EVERYWHERE
