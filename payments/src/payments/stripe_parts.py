"""What talks to Stripe, made for whoever composes a process."""

from datetime import timedelta

from chassis.postgres import Database
from payments.postgres import Store
from payments.service import Adoption, Reconciliation
from payments.settings import Settings
from payments.stripe_books import StripeBooks
from payments.stripe_provider import StripeProvider


def create_provider(settings: Settings) -> StripeProvider:
    return StripeProvider(*stripe_access(settings))


def create_reconciliation(settings: Settings, database: Database[Store]) -> Reconciliation:
    window = timedelta(seconds=settings.reconcile_window_seconds)
    return Reconciliation(database, StripeBooks(*stripe_access(settings)), window)


def create_adoption(settings: Settings, database: Database[Store]) -> Adoption:
    return Adoption(database, StripeBooks(*stripe_access(settings)))


def stripe_access(settings: Settings) -> tuple[str, str, float]:
    return settings.stripe_api_key.reveal(), settings.stripe_api_base, settings.stripe_timeout_seconds
