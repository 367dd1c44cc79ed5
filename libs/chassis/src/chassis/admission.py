"""Who is let in: the assertion of a request against what its route asks."""

from collections.abc import Callable

from flask import Request

from chassis import context
from chassis.assertions import Verifier
from chassis.errors import AssertionMissing, Forbidden, Unauthenticated
from chassis.routes import ADMIN, ANYONE, Call, Caller


def admit(verifier: Verifier, caller: Caller, issuers: tuple[str, ...]) -> Callable[[Call, Request], None]:
    """Return the step that puts the verified assertion into a Call. It raises Unauthenticated without a good
    one, and Forbidden for an issuer that may not call this route or a caller who is not what it asks for."""

    def step(call: Call, request: Request) -> None:
        assertion = verifier.verify(_bearer(request))
        if assertion.issuer not in issuers:
            raise Forbidden(f"{assertion.issuer} may not call this.")
        if assertion.subject is not None:
            context.current().user_id = assertion.subject
        elif caller is not ANYONE:
            raise Unauthenticated("This needs a signed-in user.")
        if caller is ADMIN and "admin" not in assertion.roles:
            raise Forbidden("Only an administrator may do that.")
        call.assertion = assertion

    return step


def _bearer(request: Request) -> str:
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        raise AssertionMissing("The request carries no assertion.")
    return str(token.strip())
