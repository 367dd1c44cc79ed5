"""The bare WSGI callable: the bytes of ANSWER_FILE to everybody, from memory."""

import os
from pathlib import Path

ANSWER = Path(os.environ["ANSWER_FILE"]).read_bytes()
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]


def app(environ, start_response):
    start_response("200 OK", HEADERS)
    return [ANSWER]
