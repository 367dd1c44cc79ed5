"""The textbook gateway: Flask and `requests.request`, as tutorials write it.

Served by `gunicorn -k gthread`; SERVICE_URL is where it sends everything.
"""

import os

import requests
from flask import Flask, Response, request

SERVICE_URL = os.environ["SERVICE_URL"]
ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"}

app = Flask(__name__)


@app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def forward(path: str) -> Response:
    answer = requests.request(
        request.method,
        f"{SERVICE_URL}/{path}",
        params=request.args,
        headers={name: value for name, value in request.headers if name.lower() != "host"},
        data=request.get_data(),
        allow_redirects=False,
        timeout=10,
    )
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in ONE_CONNECTION]
    return Response(answer.content, answer.status_code, headers)
