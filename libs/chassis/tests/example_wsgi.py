"""The example service as gunicorn starts it, with a slow route for what happens meanwhile."""

import json
import sys
import time

import example
from flask import Response

from chassis.settings import ProcessSettings, load_or_exit


def create_app():
    app = example.build(load_or_exit(ProcessSettings, "BOXES_")).app

    @app.get("/slow/<float:seconds>")
    def slow(seconds: float) -> Response:
        time.sleep(seconds)
        return Response("slow")

    @app.get("/stream")
    def stream() -> Response:
        return Response((f"line {n}\n" for n in range(3)), content_type="text/plain")

    @app.get("/modules")
    def modules() -> Response:
        return Response(json.dumps(sorted(sys.modules)))

    @app.get("/large")
    def large() -> Response:
        return Response(b"a" * 1_000_000)

    return app


app = create_app()
