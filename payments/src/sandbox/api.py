"""Stripe's routes: read the form, act or look, answer."""

from flask import Blueprint, Response, request

from sandbox import charges, confirmations, events, intents, refunds
from sandbox.answers import Answer
from sandbox.authentication import require_key
from sandbox.desk import Desk
from sandbox.forms import Form
from sandbox.ledger import Ledger, Transaction
from sandbox.listings import Collection
from sandbox.settings import Settings

COLLECTIONS = (intents.COLLECTION, charges.COLLECTION, refunds.COLLECTION, events.COLLECTION)


def stripe_routes(ledger: Ledger, settings: Settings) -> Blueprint:
    """Return the routes of the API over a ledger."""
    api = Blueprint("stripe", __name__)
    desk = Desk(ledger, settings)
    api.before_request(lambda: require_key(settings.api_key.reveal()))
    for collection in COLLECTIONS:
        _add_reads(api, desk, collection)
    _add_payments(api, desk, settings.settle_delay_seconds)

    @api.post("/v1/refunds")
    def create_refund() -> Response:
        form = Form(request.form.items())
        new = refunds.NewRefund.read(form)
        delay = settings.settle_delay_seconds
        return desk.act(form, lambda tx: Answer(refunds.COLLECTION.shown(tx, refunds.create(tx, new, delay))))

    return api


def _add_payments(api: Blueprint, desk: Desk, settle_delay_seconds: float) -> None:
    @api.post("/v1/payment_intents")
    def create_intent() -> Response:
        form = Form(request.form.items())
        new = intents.NewIntent.read(form)

        def create(tx: Transaction) -> Answer:
            intent_id = intents.create(tx, new)
            if new.confirm:
                return confirmations.confirm(tx, intent_id, None, settle_delay_seconds)
            return Answer(intents.COLLECTION.shown(tx, intent_id))

        return desk.act(form, create)

    @api.post("/v1/payment_intents/<intent_id>/confirm")
    def confirm_intent(intent_id: str) -> Response:
        form = Form(request.form.items())
        method = intents.read_method(form)
        form.ignore(*intents.WITHOUT_EFFECT)
        return desk.act(form, lambda tx: confirmations.confirm(tx, intent_id, method, settle_delay_seconds))

    @api.post("/v1/payment_intents/<intent_id>/cancel")
    def cancel_intent(intent_id: str) -> Response:
        form = Form(request.form.items())
        reason = form.choice("cancellation_reason", intents.CANCELLATION_REASONS)

        def cancel(tx: Transaction) -> Answer:
            intents.cancel(tx, intent_id, reason)
            return Answer(intents.COLLECTION.shown(tx, intent_id))

        return desk.act(form, cancel)


def _add_reads(api: Blueprint, desk: Desk, collection: Collection) -> None:
    def page() -> Response:
        form = Form(request.args.items())
        asked = collection.asked(form)
        return desk.show(form, lambda tx: collection.page(tx, asked))

    def one(object_id: str) -> Response:
        form = Form(request.args.items())
        form.ignore("client_secret")
        return desk.show(form, lambda tx: collection.shown(tx, object_id))

    api.add_url_rule(collection.url, f"list_{collection.noun}", page, methods=["GET"])
    api.add_url_rule(f"{collection.url}/<object_id>", f"get_{collection.noun}", one, methods=["GET"])
