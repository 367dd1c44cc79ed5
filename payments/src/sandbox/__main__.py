"""`python -m sandbox`: the sandbox under gunicorn, with the settings of serving.py."""

import sys

from gunicorn.app.wsgiapp import run

sys.argv[1:] = ["-c", "python:sandbox.serving", "sandbox.wsgi:app"]
run(prog="sandbox")
