"""Trying a service against its own OpenAPI document with schemathesis."""

from collections.abc import Mapping
from typing import Any

import schemathesis


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
