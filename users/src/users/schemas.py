"""Schemas: what clients send and get, validated and documented at once."""

import base64
import struct
from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from chassis.fields import Body, Email, Id, Integer, Pattern, QueryInteger, Text, Timestamp
from users.domain import CLIENTS, FeedCursor, Revoked, Role

NO_CONTROL_CHARACTERS = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"


class Registration(Body):
    email = Email(required=True)
    password = Pattern(NO_CONTROL_CHARACTERS, minimum=12, maximum=128, required=True)
    name = Text(1, 100, required=True)


class Profile(Body):
    name = Text(1, 100, required=True)


class UserView(Body):
    id = Id(required=True)
    email = Email(required=True)
    name = Text(1, 100, required=True)
    role = fields.String(required=True, validate=validate.OneOf([role.value for role in Role]))
    created_at = Timestamp(required=True)


class NotificationView(Body):
    id = Id(required=True)
    type = fields.String(required=True)
    order_id = Id(required=True)
    title = fields.String(required=True)
    created_at = Timestamp(required=True)


class Parameter(Pattern):
    """A parameter of an OAuth form; without a value it counts as not sent (RFC 6749, section 3.2)."""

    def __init__(self, maximum: int, *, minimum: int = 0, **options: Any) -> None:
        super().__init__(NO_CONTROL_CHARACTERS, minimum=minimum, maximum=maximum, **options)


class OAuthForm(Schema):
    """What both OAuth forms have. Parameters nobody knows are ignored, as RFC 6749 wants it."""

    class Meta:
        unknown = EXCLUDE

    client_id = Parameter(20, minimum=1, required=True, metadata={"enum": list(CLIENTS)})


class TokenForm(OAuthForm):
    grant_type = Parameter(100, minimum=1, required=True, metadata={"enum": ["password", "refresh_token"]})
    username = Parameter(254, metadata={"description": "the e-mail address, for the grant password"})
    password = Parameter(128, metadata={"description": "for the grant password"})
    refresh_token = Parameter(
        100, metadata={"description": "for the grant refresh_token, from clients without the cookie"}
    )
    scope = Parameter(100, metadata={"description": "none can be asked for"})


class RevocationForm(OAuthForm):
    # Access tokens have dots; they are refused in words of their own.
    token = Parameter(
        4096,
        minimum=1,
        metadata={
            "description": "a refresh token, from clients without the cookie",
            "pattern": "^[^.\\u0000-\\u001f\\u007f-\\u009f]+$",
        },
    )
    token_type_hint = Parameter(100)


class FeedPosition(Pattern):
    """The opaque position in the feed of revocations: three numbers."""

    _packed = struct.Struct(">qqq")

    def __init__(self, **options: Any) -> None:
        super().__init__("^[A-Za-z0-9_-]{32}$", minimum=32, maximum=32, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        return FeedCursor(*self._packed.unpack(base64.urlsafe_b64decode(text)))

    @classmethod
    def text(cls, cursor: FeedCursor) -> str:
        packed = cls._packed.pack(cursor.again_from, cursor.transaction, cursor.position)
        return base64.urlsafe_b64encode(packed).decode("ascii")


class FeedQuery(Body):
    since = FeedPosition(
        load_default=FeedCursor(),
        metadata={"description": "the next_cursor of the answer before; without it, all there are"},
    )
    limit = QueryInteger(1, 500, load_default=500)


class RevocationView(Body):
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in Revoked]))
    id = Id(required=True)
    expires_at = Timestamp(required=True)


class FeedView(Body):
    data = fields.List(fields.Nested(RevocationView), required=True)
    next_cursor = fields.String(required=True)
    more = fields.Boolean(required=True)


class TokenView(Body):
    access_token = fields.String(required=True)
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = Integer(1, 3600, required=True)
    refresh_token = fields.String()


class KeyView(Body):
    kty = fields.String(required=True)
    use = fields.String(required=True)
    alg = fields.String(required=True)
    kid = fields.String(required=True)
    n = fields.String(required=True)
    e = fields.String(required=True)


class KeysView(Body):
    keys = fields.List(fields.Nested(KeyView), required=True)


class MetadataView(Body):
    """RFC 8414, section 2."""

    issuer = fields.String(required=True)
    token_endpoint = fields.String(required=True)
    revocation_endpoint = fields.String(required=True)
    jwks_uri = fields.String(required=True)
    response_types_supported = fields.List(fields.String(), required=True)
    grant_types_supported = fields.List(fields.String(), required=True)
    token_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
    revocation_endpoint_auth_methods_supported = fields.List(fields.String(), required=True)
