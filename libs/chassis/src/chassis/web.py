"""The Flask app of a service: everything around its routes, each concern through its own `init_app`."""

import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from chassis import access, errors, health, logs, metrics
from chassis.access import refusal
from chassis.errors import ServiceError
from chassis.health import Readiness
from chassis.lean_flask import LeanFlask
from chassis.settings import ProcessSettings
from chassis.spans import Spans, open_spans
from chassis.tls_settings import TLS_EXTENSION

_log = logging.getLogger(__name__)
_SPANS = "chassis_spans"

# What Flask and Werkzeug refuse themselves, in our vocabulary.
_KINDS: dict[int, type[ServiceError]] = {
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
    429: errors.TooManyRequests,
}


def create_flask(service: str, settings: ProcessSettings, *, readiness: Readiness | None = None) -> Flask:
    """Make a Flask app with JSON logs, request context, problem documents, body limit, health and metrics;
    routes come with `Api.init_app`, readiness checks with `health.of(app).register`."""
    logs.configure(service, settings.log_level, release=settings.release)
    app = LeanFlask(service, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_max_bytes
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # a path is what it is: no redirects, 404
    spans = open_spans(service, settings)
    app.extensions[_SPANS] = spans
    access.init_app(app, settings.request_deadline_seconds, spans)
    refuse_with_problems(app)
    metrics.init_app(app)
    health.init_app(app, readiness or Readiness(release=settings.release))
    if settings.tls_certificate_file:
        from chassis.tls import credentials_of  # who speaks plainly does without

        app.extensions[TLS_EXTENSION] = credentials_of(settings, service)
    return app


def spans_of(app: Flask) -> Spans | None:
    """Return what keeps the spans of an app's process; None: no traces are sent anywhere."""
    spans: Spans | None = app.extensions[_SPANS]
    return spans


def refuse_with_problems(app: Flask) -> None:
    """Answer every failure with a problem document; what nobody expected is logged once, with its
    traceback."""
    app.register_error_handler(ServiceError, refusal)

    @app.errorhandler(HTTPException)
    def refuse_by_flask(raised: HTTPException) -> Response:
        if raised.code is not None and raised.code >= 500:
            return refusal(ServiceError())
        response = refusal(_KINDS.get(raised.code or 400, errors.BadRequest)())
        if isinstance(raised, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(raised.valid_methods or ()))
        return response

    @app.errorhandler(Exception)  # the outermost boundary
    def fail(_: Exception) -> Response:
        _log.exception("unexpected error")
        return refusal(ServiceError())
