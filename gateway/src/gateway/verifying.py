"""What verifies access tokens in one process: its issuers, their keys, what was revoked, and who keeps them fresh."""

from collections.abc import Iterable
from functools import partial

import gevent

from chassis.assertions import Signer
from gateway.discovery import keys_of
from gateway.fetching import fetch_from, fetch_over_http
from gateway.identity import Tokens
from gateway.issuers import Issuer, ourselves
from gateway.keys import IssuerKeys
from gateway.revocations import Revocations
from gateway.settings import Settings
from gateway.upstream.service import Service

_JWKS = "/.well-known/jwks.json"


def open_tokens(settings: Settings, others: Iterable[Issuer], users: Service, signer: Signer) -> Tokens:
    """Return what verifies the tokens of users and of the other issuers; greenlets of this process keep it fresh."""
    ask_users = fetch_from(users, lambda: signer.sign(users.name, None))
    own = ourselves(settings.token_issuer, settings.token_audience)
    seconds = settings.jwks_timeout_seconds

    def keys(issuer: Issuer) -> IssuerKeys:
        if issuer.own and not settings.jwks_url:
            fetch = partial(ask_users, _JWKS, seconds)
        elif issuer.own:
            fetch = fetch_over_http(settings.jwks_url, seconds)
        else:
            fetch = keys_of(issuer, lambda address: fetch_over_http(address, seconds)())
        return IssuerKeys(
            fetch,
            issuer.algorithms,
            refresh_seconds=settings.jwks_refresh_seconds,
            cooldown_seconds=settings.jwks_cooldown_seconds,
        )

    trusted = [(issuer, keys(issuer)) for issuer in (own, *others)]
    revocations = Revocations(
        lambda target: ask_users(target, settings.revocations_timeout_seconds),
        refresh_seconds=settings.revocations_refresh_seconds,
    )
    tokens = Tokens(trusted, revocations)
    for _, each in trusted:
        gevent.spawn(each.keep_fresh)
    gevent.spawn(revocations.keep_fresh, tokens.forget)
    return tokens
