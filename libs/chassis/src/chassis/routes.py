"""What a route says about itself, what its view is called with, and what it may answer."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from marshmallow import Schema

from chassis.assertions import Assertion
from chassis.errors import ServiceError, Unauthenticated

if TYPE_CHECKING:
    from chassis.idempotency import Once


class Caller(Enum):
    """Who may call a route."""

    UNSIGNED = "unsigned"  # without any assertion: keys and metadata
    ANYONE = "anyone"  # vouched for by an issuer, with or without a user
    USER = "user"
    ADMIN = "admin"


UNSIGNED, ANYONE, USER, ADMIN = Caller.UNSIGNED, Caller.ANYONE, Caller.USER, Caller.ADMIN


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One operation: its address, who may call it, what it reads and what it answers."""

    method: str
    rule: str
    view: Callable[..., Any]
    path: type[Schema] | None = None
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    form: type[Schema] | None = None
    raw: bool = False
    answer: type[Schema] | None = None
    media_type: str | None = None
    status: int = 200
    also: tuple[int, ...] = ()
    caller: Caller = USER
    issuers: tuple[str, ...] = ("gateway",)
    idempotent: bool = False
    errors: tuple[type[ServiceError], ...] = ()

    @property
    def reads_body(self) -> bool:
        """Whether a request of this route has a body."""
        return self.raw or self.body is not None or self.form is not None


@dataclass(slots=True)
class Answer:
    """A value with a status or headers of its own. `None` as value: no body."""

    value: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """What a view gets: who calls and what was sent, validated. `sent` is the JSON body before validation."""

    path: dict[str, Any]
    assertion: Assertion | None = None
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    sent: Any = None
    raw: bytes = b""
    once: "Once" = None  # type: ignore[assignment]  # set on idempotent routes, which alone read it

    @property
    def user_id(self) -> uuid.UUID:
        """The caller's user id. Raises Unauthenticated for an anonymous caller."""
        if self.assertion is None or self.assertion.user_id is None:
            raise Unauthenticated("This needs a signed-in user.")
        return self.assertion.user_id

    @property
    def roles(self) -> frozenset[str]:
        """The caller's roles: empty for most."""
        return self.assertion.roles if self.assertion is not None else frozenset()
