"""Entry point: prints the OpenAPI document of payments; `python -m payments.openapi > openapi.json`."""

import json
import sys
from typing import Any

from chassis.api import Api
from chassis.openapi import describe
from payments.api import add_payment_routes, add_webhook_route
from payments.app import VERSION
from payments.settings import SERVICE


def document() -> dict[str, Any]:
    nobody: Any = None  # a description calls no view, so nobody needs to stand behind them
    api = Api(SERVICE, VERSION, nobody)
    add_payment_routes(api, nobody)
    add_webhook_route(api, nobody, nobody)
    return describe(api.name, api.version, api.routes)


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2)
    sys.stdout.write("\n")
