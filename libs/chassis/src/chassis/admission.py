"""Who is let in: the assertion of a request against what its route asks."""

import uuid
from collections.abc import Callable

from flask import request

from chassis import context
from chassis.assertions import Verifier
from chassis.errors import AssertionMissing, Forbidden, Unauthenticated
from chassis.routes import ADMIN, ANYONE, Call, Caller


def admit(verifier: Verifier, caller: Caller, issuers: tuple[str, ...]) -> Callable[[Call], None]:
    """Return the step that puts the verified assertion into a Call. It raises Unauthenticated without a good
    one, and Forbidden for an issuer that may not call this route or a caller who is not what it asks for."""

    def step(call: Call) -> None:
        assertion = verifier.verify(_bearer())
        if assertion.issuer not in issuers:
            raise Forbidden(f"{assertion.issuer} may not call this.")
        if assertion.subject is not None:
            _note_user(assertion.subject)
        elif caller is not ANYONE:
            raise Unauthenticated("This needs a signed-in user.")
        if caller is ADMIN and "admin" not in assertion.roles:
            raise Forbidden("Only an administrator may do that.")
        call.assertion = assertion

    return step


def _bearer() -> str:
    header = request.environ.get("HTTP_AUTHORIZATION", "")
    if not header:
        raise AssertionMissing("The request carries no assertion.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise AssertionMissing("The request carries no assertion.")
    return token.strip()


def _note_user(subject: str) -> None:
    try:
        uuid.UUID(subject)
    except ValueError:
        raise Unauthenticated("The assertion's subject is not a user id.") from None
    context.current().user_id = subject
