"""Stripe's routes: read the form, act once, answer at the payment method's pace."""

import json
from collections.abc import Callable

from flask import Blueprint, Response, request

from sandbox import charges, confirmations, events, intents, refunds
from sandbox.answers import Answer
from sandbox.authentication import require_key
from sandbox.expansion import expand
from sandbox.forms import Form
from sandbox.idempotency import Asked, IdempotencyKeys
from sandbox.ledger import Ledger, Transaction
from sandbox.lines import Line
from sandbox.listings import Collection
from sandbox.methods import Pace
from sandbox.settings import Settings

COLLECTIONS = (intents.COLLECTION, charges.COLLECTION, refunds.COLLECTION, events.COLLECTION)


def stripe_routes(ledger: Ledger, settings: Settings) -> Blueprint:
    """Return the routes of the API over a ledger."""
    api = Blueprint("stripe", __name__)
    keys = IdempotencyKeys(ledger)
    api.before_request(lambda: require_key(settings.api_key.reveal()))

    def answered(act: Callable[[Transaction], Answer], expanded: list[str]) -> Response:
        key = request.headers.get("Idempotency-Key") or None
        asked = Asked(key, request.path, tuple(request.form.items(multi=True)))
        with keys.held(key):
            answer = keys.once(asked, lambda tx: _expanded(tx, act(tx), expanded))
            _keep_pace(answer, settings)
        return json_response(answer)

    @api.post("/v1/payment_intents")
    def create_intent() -> Response:
        form = Form(request.form.items())
        new, expanded = intents.NewIntent.read(form), form.texts("expand")
        form.end()

        def act(tx: Transaction) -> Answer:
            intent_id = intents.create(tx, new)
            if new.confirm:
                return confirmations.confirm(tx, intent_id, None, settings.settle_delay_seconds)
            return Answer(intents.COLLECTION.shown(tx, intent_id))

        return answered(act, expanded)

    @api.post("/v1/payment_intents/<intent_id>/confirm")
    def confirm_intent(intent_id: str) -> Response:
        form = Form(request.form.items())
        method, expanded = intents.read_method(form), form.texts("expand")
        form.ignore(*intents.WITHOUT_EFFECT)
        form.end()
        return answered(
            lambda tx: confirmations.confirm(tx, intent_id, method, settings.settle_delay_seconds), expanded
        )

    @api.post("/v1/payment_intents/<intent_id>/cancel")
    def cancel_intent(intent_id: str) -> Response:
        form = Form(request.form.items())
        reason = form.choice("cancellation_reason", intents.CANCELLATION_REASONS)
        expanded = form.texts("expand")
        form.end()

        def act(tx: Transaction) -> Answer:
            intents.cancel(tx, intent_id, reason)
            return Answer(intents.COLLECTION.shown(tx, intent_id))

        return answered(act, expanded)

    @api.post("/v1/refunds")
    def create_refund() -> Response:
        form = Form(request.form.items())
        new, expanded = refunds.NewRefund.read(form), form.texts("expand")
        form.end()
        return answered(lambda tx: Answer(refunds.COLLECTION.shown(tx, refunds.create(tx, new))), expanded)

    for collection in COLLECTIONS:
        _add_reads(api, collection, ledger)
    return api


def _add_reads(api: Blueprint, collection: Collection, ledger: Ledger) -> None:
    def page() -> Response:
        form = Form(request.args.items())
        asked, expanded = collection.asked(form), form.texts("expand")
        form.end()
        with ledger.transaction() as tx:
            return json_response(Answer(expand(tx, collection.page(tx, asked), expanded)))

    def one(object_id: str) -> Response:
        form = Form(request.args.items())
        expanded = form.texts("expand")
        form.ignore("client_secret")
        form.end()
        with ledger.transaction() as tx:
            return json_response(Answer(expand(tx, collection.shown(tx, object_id), expanded)))

    api.add_url_rule(collection.url, f"list_{collection.noun}", page, methods=["GET"])
    api.add_url_rule(f"{collection.url}/<object_id>", f"get_{collection.noun}", one, methods=["GET"])


def _expanded(tx: Transaction, answer: Answer, paths: list[str]) -> Answer:
    expand(tx, answer.body, paths)
    return answer


def _keep_pace(answer: Answer, settings: Settings) -> None:
    if answer.pace is Pace.SLOW:
        Line(request.environ).wait(settings.slow_seconds)
    elif answer.pace is Pace.SILENT:
        line = Line(request.environ)
        line.wait(settings.silent_seconds)
        line.cut()


def json_response(answer: Answer) -> Response:
    """Return an answer as Stripe writes it: indented JSON, and a header on a replay."""
    response = Response(json.dumps(answer.body, indent=2) + "\n", answer.status, mimetype="application/json")
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
