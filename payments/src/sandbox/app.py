"""The sandbox's Flask app: Stripe's routes, Stripe's errors, health, one access line a request."""

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from chassis import access, health
from chassis.health import Readiness
from sandbox.answers import Answer
from sandbox.api import stripe_routes
from sandbox.desk import json_response
from sandbox.errors import InvalidParameter, ServerError, StripeError, TooLarge, UnknownUrl
from sandbox.ledger import Ledger, new_id
from sandbox.settings import Settings

BODY_MAX_BYTES = 65536
REQUEST_MAX_SECONDS = 600.0  # a silent payment is held on purpose; nothing here watches the deadline


def create_app(settings: Settings, ledger: Ledger, readiness: Readiness) -> Flask:
    """Wire the app over a ledger; `readiness` checks what the process needs besides."""
    app = Flask("sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES
    access.init_app(app, REQUEST_MAX_SECONDS)
    health.init_app(app, readiness)
    app.register_blueprint(stripe_routes(ledger, settings))
    app.register_error_handler(StripeError, _refused)
    app.register_error_handler(HTTPException, _refused_by_flask)
    app.after_request(_name_request)
    return app


def _refused(error: StripeError) -> Response:
    return json_response(Answer(error.body(), error.status))


def _refused_by_flask(raised: HTTPException) -> Response:
    if isinstance(raised, NotFound | MethodNotAllowed):
        return _refused(UnknownUrl(f"Unrecognized request URL ({request.method}: {request.path})."))
    if isinstance(raised, RequestEntityTooLarge):
        return _refused(TooLarge("The request is too large."))
    if raised.code is not None and raised.code >= 500:
        return _refused(ServerError("An unknown error occurred."))
    return _refused(InvalidParameter("The request could not be read."))


def _name_request(response: Response) -> Response:
    response.headers["Request-Id"] = new_id("req")
    return response
