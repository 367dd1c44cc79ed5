"""The composition root: everything the users service is made of, put together here and nowhere else."""

from datetime import timedelta

from flask import Flask

from chassis import health, migrations
from chassis.api import Api
from chassis.assertions import Verifier
from chassis.postgres import Database
from chassis.trust import TrustBundle
from chassis.web import create_flask
from users import refusals
from users.api import add_account_routes, add_internal_routes, add_notification_routes
from users.oauth import add_metadata_routes, add_token_routes
from users.passwords import Passwords, argon2id
from users.postgres import Transaction
from users.service import Accounts, Revocations, Sessions
from users.settings import MIGRATIONS, PREFIX, SERVICE, Settings
from users.tokens import AccessTokens, read_private_keys

VERSION = "0.1.0"


def create_app(
    settings: Settings,
    *,
    database: Database[Transaction] | None = None,
    passwords: Passwords | None = None,
) -> Flask:
    database = database or Database(settings, Transaction)
    passwords = passwords or create_passwords(settings)
    access_tokens = create_access_tokens(settings)
    refresh_token_lifetime = timedelta(seconds=settings.refresh_token_lifetime_seconds)
    accounts = Accounts(database, passwords, timedelta(seconds=settings.access_token_lifetime_seconds))
    sessions = Sessions(database, passwords, access_tokens, refresh_token_lifetime)

    verifier = Verifier(TrustBundle.load(settings.trust_bundle_file), SERVICE)
    api = Api(SERVICE, VERSION, verifier, amend=refusals.document)
    add_account_routes(api, accounts)
    add_notification_routes(api, accounts)
    add_token_routes(api, sessions)
    add_metadata_routes(api, access_tokens, settings.token_issuer)
    add_internal_routes(api, Revocations(database))

    app = create_flask(SERVICE, settings)
    api.init_app(app)
    refusals.init_app(app)
    readiness = health.of(app)
    readiness.register("database", database.ping, setting=f"{PREFIX}DB_URL")
    readiness.register("schema", lambda: migrations.require(database, MIGRATIONS), setting=f"{PREFIX}DB_URL")
    return app


def create_passwords(settings: Settings) -> Passwords:
    return Passwords(
        argon2id(), at_once=settings.password_hashes_at_once, waiting=settings.password_hashes_waiting
    )


def create_access_tokens(settings: Settings) -> AccessTokens:
    return AccessTokens(
        read_private_keys(settings.token_keys_file),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        lifetime_seconds=settings.access_token_lifetime_seconds,
    )
