"""Command: print the service's OpenAPI document: `python -m users.openapi > openapi.json`."""

import json
import sys
from typing import Any

from chassis.api import Api
from chassis.openapi import describe
from users import refusals
from users.api import add_account_routes, add_internal_routes, add_notification_routes
from users.app import VERSION
from users.oauth import add_metadata_routes, add_token_routes
from users.settings import SERVICE


def document() -> dict[str, Any]:
    nobody: Any = None  # a description calls no view, so nobody needs to stand behind them
    api = Api(SERVICE, VERSION, nobody)
    add_account_routes(api, nobody)
    add_notification_routes(api, nobody)
    add_token_routes(api, nobody)
    add_metadata_routes(api, nobody, issuer="")
    add_internal_routes(api, nobody)
    described = describe(api.name, api.version, api.routes)
    refusals.document(described)
    return described


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2)
    sys.stdout.write("\n")
