"""The routes of a service as a readable list: each is parsed, called and presented by what its decorator
says."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, Response
from flask.globals import request_ctx
from marshmallow import Schema

from chassis import context, openapi, reading
from chassis.admission import admit
from chassis.answering import parts, replayed, respond
from chassis.assertions import Verifier
from chassis.errors import ServiceError
from chassis.idempotency import Once, Replay
from chassis.idempotency_key import fingerprint, parse_key
from chassis.presenting import dump_bytes, page_of, presenter
from chassis.problems import problem_bytes, status_of
from chassis.routes import ADMIN, ANYONE, UNSIGNED, USER, Answer, Call, Caller, Route

__all__ = ["ADMIN", "ANYONE", "UNSIGNED", "USER", "Answer", "Api", "Call", "Caller", "Route", "page_of"]

View = TypeVar("View", bound=Callable[..., Any])
Step = Callable[[Call, Request], None]


class Api:
    """The routes of one service. Collect them with `get`, `post`, `put`, `patch` and `delete`; `init_app`
    serves them, and their description at /openapi.json.

    Options of a route: `path`, `query`, `body` (JSON), `form` (urlencoded): marshmallow schema classes, or
    `raw=True` for the body's bytes; `answer`: the view's schema class, or None (204); `status` and `also`,
    other statuses that the view may answer; `media_type` of a route whose view returns a Flask Response of
    its own, such as a stream; `caller`: UNSIGNED, ANYONE, USER (default) or ADMIN; `issuers`
    who may vouch (default: the gateway); `idempotent=True` requires an Idempotency-Key and gives the view
    `call.once`; `errors`: what it may refuse with.

    `amend` is given the OpenAPI document before it is served, for what another standard asks of a route.
    """

    def __init__(
        self,
        name: str,
        version: str,
        verifier: Verifier,
        *,
        amend: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.name = name
        self.version = version
        self.routes: list[Route] = []
        self._verifier = verifier
        self._amend = amend

    def route(self, method: str, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view: it is called with the Call and the path's parameters, and returns what it
        answers."""
        options.setdefault("status", 200 if options.get("answer") or options.get("media_type") else 204)

        def register(view: View) -> View:
            self.routes.append(Route(method=method, rule=rule, view=view, **options))
            return view

        return register

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for GET and HEAD."""
        return self.route("GET", rule, **options)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for POST."""
        return self.route("POST", rule, **options)

    def put(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for PUT."""
        return self.route("PUT", rule, **options)

    def patch(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for PATCH."""
        return self.route("PATCH", rule, **options)

    def delete(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register a view for DELETE."""
        return self.route("DELETE", rule, **options)

    def init_app(self, app: Flask) -> None:
        """Serve the routes and /openapi.json, whose bytes are made here, once."""
        for route in self.routes:
            app.add_url_rule(
                route.rule,
                endpoint=f"{route.method} {route.rule}",
                view_func=self._handler(route),
                methods=[route.method],
                provide_automatic_options=False,
            )
        app.register_error_handler(Replay, replayed)
        document = openapi.describe(self.name, self.version, self.routes)
        self._amend(document)
        described = dump_bytes(document)

        def openapi_json() -> Response:
            context.current().route = "/openapi.json"
            return Response(described, content_type="application/json")

        app.add_url_rule("/openapi.json", view_func=openapi_json, provide_automatic_options=False)

    def _handler(self, route: Route) -> Callable[..., Response]:
        steps = self._steps(route)
        show = presenter(route.answer) if route.answer is not None else None
        view, rule = _abandoning(route.view) if route.idempotent else route.view, route.rule

        def handle(**path: Any) -> Response:
            context.current().route = rule
            call, request = Call(path), request_ctx.request
            for step in steps:
                step(call, request)
            result = view(call, **call.path)
            return result if isinstance(result, Response) else respond(result, route.status, show)

        return handle

    def _steps(self, route: Route) -> list[Step]:
        steps: list[Step] = [_in_time]
        if route.caller is not UNSIGNED:
            steps.append(admit(self._verifier, route.caller, route.issuers))
        if route.path is not None:
            steps.append(_path(route.path()))
        steps.append(_query(route.query() if route.query is not None else _Nothing()))
        if route.body is not None:
            steps.append(_json(route.body()))
        elif route.form is not None:
            steps.append(_form(route.form()))
        elif route.raw:
            steps.append(_raw)
        else:
            steps.append(_no_body(_Nothing()))
        if route.idempotent:
            steps.append(_once(route))
        return steps


class _Nothing(Schema):
    """The query or the body of a route that has none."""


def _in_time(_call: Call, _request: Request) -> None:
    context.current().remaining_seconds()


def _path(schema: Schema) -> Step:
    def read(call: Call, _: Request) -> None:
        call.path = reading.load_parameters(call.path, schema)

    return read


def _query(schema: Schema) -> Step:
    # Most requests have no query: what that loads to is known beforehand, unless a parameter is required.
    without = None if schema.validate({}) else schema.load({})

    def read(call: Call, request: Request) -> None:
        if without is not None and not request.query_string:
            call.query = without.copy()
        else:
            call.query = reading.read_query(request, schema)

    return read


def _json(schema: Schema) -> Step:
    def read(call: Call, request: Request) -> None:
        call.sent, call.body = reading.read_json(request, schema)

    return read


def _form(schema: Schema) -> Step:
    def read(call: Call, request: Request) -> None:
        call.body = reading.read_form(request, schema)

    return read


def _no_body(schema: Schema) -> Step:
    # What nobody reads, its sender would believe to have taken effect; an empty object says nothing.
    def read(_: Call, request: Request) -> None:
        if request.content_length or "Transfer-Encoding" in request.headers:
            reading.read_json(request, schema)

    return read


def _raw(call: Call, request: Request) -> None:
    call.raw = reading.read_raw(request)


def _once(route: Route) -> Step:
    show = presenter(route.answer) if route.answer is not None else None

    def present(result: Any) -> tuple[int, bytes]:
        if isinstance(result, ServiceError):
            return status_of(result), problem_bytes(result, context.current().request_id)
        status, body, _ = parts(result, route.status, show)
        return status, body

    def prepare(call: Call, request: Request) -> None:
        key = parse_key(request.headers.getlist("Idempotency-Key"))
        asked = fingerprint(route.method, request.path, call.sent)
        caller = call.assertion.subject if call.assertion is not None else None
        call.once = Once(
            caller=caller or "",
            route=f"{route.method} {route.rule}",
            key=key,
            fingerprint=asked,
            present=present,
        )

    return prepare


def _abandoning(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let a retry of a request that fails between its transactions go on with it at once."""

    def guarded(call: Call, **path: Any) -> Any:
        try:
            return view(call, **path)
        except Exception:
            call.once.abandon()
            raise

    return guarded
