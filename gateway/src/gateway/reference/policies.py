"""What the gateway itself says of an operation: who may call it, what it refuses, and how much goes in."""

import re
from collections.abc import Iterator

from chassis.errors import DeadlineExceeded, Forbidden, ServiceError, TooLarge
from chassis.problems import MEDIA_TYPE
from gateway.body import BodyUnexpected
from gateway.cache.answering import NotKept
from gateway.front import refusals
from gateway.front.refusals import Refusal
from gateway.identity import TokenExpired, TokenInvalid, TokenMissing, TokenRevoked
from gateway.keys import KeysUnavailable
from gateway.logins import TooManyLogins
from gateway.places import TooManyStreams
from gateway.rates import RateLimited
from gateway.reference.document import Operation, Tree
from gateway.refusing import oauth_code, refusal_status
from gateway.routes import ADMIN, PUBLIC, Route
from gateway.target import MalformedTarget
from gateway.upstream.failures import BadUpstreamAnswer, UpstreamBusy, UpstreamOverloaded, UpstreamUnavailable

_EVERYWHERE = (
    RateLimited,
    UpstreamUnavailable,
    UpstreamBusy,
    UpstreamOverloaded,
    BadUpstreamAnswer,
    DeadlineExceeded,
)
_BY_FORM = (
    MalformedTarget,
    BodyUnexpected,
    *(
        kind
        for kind in vars(refusals).values()
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
    ),
)
# How the chassis lists the codes of an answer, and what of it a client never sees: assertions are between us.
_codes = re.compile(r"[a-z0-9_]+(?:, [a-z0-9_]+)*")
_INSIDE = "assertion_"
_MADE_HERE = frozenset(("x-request-id", "authorization", "traceparent"))


def security_of(route: Route) -> list[dict[str, list[str]]]:
    """Return the security requirements of a route: none, or the access token, of an administrator where it must be."""
    if route.policy == PUBLIC:
        return []
    return [{"bearer": [ADMIN] if route.policy == ADMIN else []}]


def limits_of(route: Route, *, reads_body: bool) -> Tree:
    """Return how much goes through a route, how long and how often."""
    limits: Tree = {"deadline_seconds": route.deadline_seconds}
    if reads_body:
        limits["body_max_bytes"] = route.body_max_bytes
    if route.stream_seconds:
        limits["stream_seconds"] = route.stream_seconds
    if route.rate is not None:
        limits["rate"] = route.rate
    return limits


def parameters_of(operation: Operation, route: Route) -> list[Tree]:
    """Return those parameters of an operation that the route lets through."""
    return [each for each in operation.tree["parameters"] if _goes_through(each, route)]


def visible(operation: Operation, route: Route) -> Tree:
    """Return the answers of an operation without what only the gateway sees."""
    inside = (
        {Forbidden.code} if route.policy == PUBLIC else set()
    )  # of who calls there, none is the wrong one
    answers = {}
    for status, answer in operation.tree["responses"].items():
        told = answer.get("description", "")
        codes = [code for code in told.split(", ") if not code.startswith(_INSIDE) and code not in inside]
        if not _codes.fullmatch(told):
            answers[status] = answer
        elif codes:
            answers[status] = {**answer, "description": ", ".join(codes)}
    return answers


def with_refusals(answers: Tree, route: Route, *, reads_body: bool) -> Tree:
    """Return a service's answers together with what the gateway refuses itself."""
    answers = dict(answers)
    content = _content(route)
    for status, codes in sorted(_refusals(route, reads_body=reads_body).items()):
        if status not in answers:
            answers[status] = {"description": ", ".join(codes), "content": content}
            continue
        told = answers[status].get("description", "")
        listed = told.split(", ") if _codes.fullmatch(told) else []
        more = ", ".join([*listed, *(code for code in codes if code not in listed)])
        description = more if listed else f"{told}. Of the gateway: {more}"
        answers[status] = {**answers[status], "description": description}
    answers["default"] = {"$ref": "#/components/responses/Refused"}
    return {status: answers[status] for status in sorted(answers)}


def refused_by_form() -> Tree:
    """Return the answer to what is refused for its form, whatever it asks."""
    told = ", ".join(sorted(kind.code for kind in _BY_FORM))
    return {
        "description": f"Refused for its form, whatever is asked: {told}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _goes_through(parameter: Tree, route: Route) -> bool:
    place, name = parameter.get("in"), str(parameter.get("name")).lower()
    if place == "header":
        return name not in _MADE_HERE and name.encode() in route.forward
    return place != "cookie" or b"cookie" in route.forward


def _refusals(route: Route, *, reads_body: bool) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    for kind in _refused(route, reads_body=reads_body):
        status = refusal_status(kind)
        listed = codes.setdefault(str(status), [])
        code = oauth_code(status) if route.oauth_errors else kind.code
        if code not in listed:
            listed.append(code)
    return codes


def _refused(route: Route, *, reads_body: bool) -> Iterator[type[ServiceError]]:
    yield from _EVERYWHERE
    if route.policy != PUBLIC:
        yield TokenMissing
    if route.reads_token:
        yield from (TokenInvalid, TokenExpired, TokenRevoked, KeysUnavailable)
    if route.policy == ADMIN:
        yield Forbidden
    if reads_body:
        yield TooLarge
    if route.throttles_logins:
        yield TooManyLogins
    if route.stream_seconds:
        yield TooManyStreams
    if route.cache:
        yield NotKept


def _content(route: Route) -> Tree:
    if route.oauth_errors:
        return {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthRefusal"}}}
    return {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
