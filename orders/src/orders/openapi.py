"""Entry point: prints the OpenAPI document of orders; `python -m orders.openapi > openapi.json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from chassis.api import Api
from chassis.openapi import describe
from orders.api import add_catalogue_routes, add_following_route, add_order_routes
from orders.app import VERSION
from orders.settings import SERVICE


def document() -> dict[str, Any]:
    nobody: Any = None  # a description calls no view, so nobody needs to stand behind them
    api = Api(SERVICE, VERSION, nobody)
    add_catalogue_routes(api, nobody)
    add_order_routes(api, nobody)
    add_following_route(api, nobody, nobody)
    return describe(api.name, api.version, api.routes)


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2)
    sys.stdout.write("\n")
