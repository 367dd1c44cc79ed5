"""Entry point: prints the OpenAPI document of payments; `python -m payments.openapi > openapi.json`."""

import json
import sys
from typing import Any

from chassis.openapi import describe
from payments.api import create_api


def document() -> dict[str, Any]:
    nobody: Any = None  # a description calls no view, so nobody needs to stand behind them
    api = create_api(nobody, nobody, nobody)
    return describe(api.name, api.version, api.routes)


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=2)
    sys.stdout.write("\n")
