"""Routes: the OAuth 2 endpoints (RFC 6749, 7009, 8414), the refresh token's cookie, the keys of access tokens."""

from collections.abc import Callable, Mapping

from flask import Response, request
from werkzeug.http import dump_cookie

from chassis.api import ANYONE, UNSIGNED, Answer, Api, Call
from chassis.errors import BadRequest
from chassis.presenting import dump_bytes
from users.domain import (
    CLIENTS,
    Client,
    InvalidClient,
    InvalidGrant,
    PasswordsBusy,
)
from users.schemas import KeysView, MetadataView, RevocationForm, TokenForm, TokenView
from users.service import Granted, Sessions
from users.tokens import AccessTokens

TOKEN_PATH = "/api/v1/auth/token"
REVOCATION_PATH = "/api/v1/auth/revoke"
KEYS_PATH = "/.well-known/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"
FOR_FIVE_MINUTES = {"Cache-Control": "public, max-age=300"}

# Browsers take a cookie of this prefix only if it is Secure (RFC 6265bis, section 4.1.3).
COOKIE = "__Secure-refresh_token"
COOKIE_PATH = "/api/v1/auth"

Form = Mapping[str, str]


class InvalidTokenRequest(BadRequest):
    code = "invalid_request"
    title = "A parameter is missing, repeated or malformed"


class InvalidScope(BadRequest):
    code = "invalid_scope"
    title = "There are no scopes to ask for"


class UnsupportedGrantType(BadRequest):
    code = "unsupported_grant_type"
    title = "The grant types are password and refresh_token"


class UnsupportedTokenType(BadRequest):
    code = "unsupported_token_type"
    title = "An access token is revoked with the refresh token of its session"


def add_token_routes(api: Api, sessions: Sessions) -> None:
    @api.post(
        TOKEN_PATH,
        form=TokenForm,
        answer=TokenView,
        caller=ANYONE,
        errors=(
            InvalidTokenRequest,
            InvalidClient,
            InvalidGrant,
            InvalidScope,
            UnsupportedGrantType,
            PasswordsBusy,
        ),
    )
    def issue_token(call: Call) -> Response:
        """Sign in, or go on with a refresh token (RFC 6749)."""
        client = _client(call.body)
        grant = _grant(call.body)
        if call.body.get("scope"):
            raise InvalidScope
        return _tokens(client, grant(sessions, client, call.body))

    @api.post(
        REVOCATION_PATH,
        form=RevocationForm,
        status=200,
        caller=ANYONE,
        errors=(InvalidTokenRequest, InvalidClient, UnsupportedTokenType),
    )
    def revoke_token(call: Call) -> Answer:
        """Sign out: end the session of a refresh token (RFC 7009)."""
        client = _client(call.body)
        if client.keeps_refresh_token_in_cookie:
            sessions.sign_out(client, request.cookies.get(COOKIE, ""))
            return Answer(None, headers={"Set-Cookie": _cookie("", lifetime_seconds=0)})
        sessions.sign_out(client, _revocable(_given(call.body, "token")))
        return Answer(None)


def add_metadata_routes(api: Api, access_tokens: AccessTokens, issuer: str) -> None:
    metadata = {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "jwks_uri": issuer + KEYS_PATH,
        "response_types_supported": [],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
    }

    @api.get(KEYS_PATH, answer=KeysView, caller=UNSIGNED)
    def show_keys(_: Call) -> Answer:
        """Show the public keys of access tokens (RFC 7517)."""
        return Answer(access_tokens.public_keys, headers=FOR_FIVE_MINUTES)

    @api.get(METADATA_PATH, answer=MetadataView, caller=UNSIGNED)
    def show_metadata(_: Call) -> Answer:
        """Show what an OAuth client needs to know (RFC 8414)."""
        return Answer(metadata, headers=FOR_FIVE_MINUTES)


def _sign_in(sessions: Sessions, client: Client, form: Form) -> Granted:
    return sessions.sign_in(client, email=_given(form, "username"), password=_given(form, "password"))


def _refresh(sessions: Sessions, client: Client, form: Form) -> Granted:
    held = request.cookies if client.keeps_refresh_token_in_cookie else form
    name = COOKIE if client.keeps_refresh_token_in_cookie else "refresh_token"
    return sessions.refresh(client, _given(held, name))


GRANTS: Mapping[str, Callable[[Sessions, Client, Form], Granted]] = {
    "password": _sign_in,
    "refresh_token": _refresh,
}


def _grant(form: Form) -> Callable[[Sessions, Client, Form], Granted]:
    if form["grant_type"] not in GRANTS:
        raise UnsupportedGrantType
    return GRANTS[form["grant_type"]]


def _client(form: Form) -> Client:
    if form["client_id"] not in CLIENTS:
        raise InvalidClient
    return CLIENTS[form["client_id"]]


def _given(held: Form, name: str) -> str:
    # A parameter without a value is one that was not sent (RFC 6749, section 3.2).
    if not held.get(name):
        raise InvalidTokenRequest(f"{name} is missing.")
    return held[name]


def _revocable(token: str) -> str:
    if "." in token:  # a JWT
        raise UnsupportedTokenType
    return token


def _tokens(client: Client, granted: Granted) -> Response:
    body = {
        "access_token": granted.access_token,
        "token_type": "Bearer",
        "expires_in": granted.lifetime_seconds,
    }
    headers = {"Cache-Control": "no-store"}
    if client.keeps_refresh_token_in_cookie:
        headers["Set-Cookie"] = _cookie(granted.refresh_token, granted.refresh_token_lifetime_seconds)
    else:
        body["refresh_token"] = granted.refresh_token
    return Response(dump_bytes(body), headers=headers, content_type="application/json")


def _cookie(value: str, lifetime_seconds: int) -> str:
    return dump_cookie(
        COOKIE,
        value,
        max_age=lifetime_seconds,
        path=COOKIE_PATH,
        secure=True,
        httponly=True,
        samesite="Strict",
    )
