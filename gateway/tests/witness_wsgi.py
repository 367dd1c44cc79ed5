"""The witness as gunicorn starts it: every request of every path is written down and told back as Flask sees it."""

import json
import os
import tomllib
from pathlib import Path

from flask import Flask, Response, request

RECORD = Path(os.environ["WITNESS_RECORD"])
ROUTES = Path(os.environ["WITNESS_ROUTES"])


def create_app():
    app = Flask("witness", static_folder=None)
    app.url_map.merge_slashes = False  # as the chassis has it
    for number, route in enumerate(tomllib.loads(ROUTES.read_text())["route"]):
        rule = route["path"].replace("{", "<").replace("}", ">")
        app.add_url_rule(rule, str(number), tell, methods=route["methods"])
    app.before_request(tell)  # also for what is no route of this app
    return app


def tell():
    body = request.get_data()
    told = {
        "method": request.method,
        "target": request.environ["RAW_URI"],
        "path": request.environ["PATH_INFO"],
        "query": request.environ["QUERY_STRING"],
        "rule": request.url_rule.rule.replace("<", "{").replace(">", "}") if request.url_rule else None,
        "fields": {
            name.removeprefix("HTTP_"): value
            for name, value in request.environ.items()
            if name.startswith(("HTTP_", "CONTENT_")) and value
        },
        "scheme": request.environ["wsgi.url_scheme"],
        "script_name": request.environ["SCRIPT_NAME"],
        "body": body.decode("latin-1"),
    }
    line = json.dumps(told)
    with RECORD.open("a") as record:
        record.write(f"{line}\n")
    return Response(line, content_type="application/json")


app = create_app()
