"""The desk: acts once for a request, answers at the payment method's pace, in Stripe's JSON."""

import json
from collections.abc import Callable

from flask import Response, request

from sandbox.answers import Answer
from sandbox.expansion import expand
from sandbox.forms import Form
from sandbox.idempotency import Asked, IdempotencyKeys
from sandbox.ledger import Ledger, Transaction
from sandbox.lines import Line
from sandbox.methods import Pace
from sandbox.settings import Settings


class Desk:
    """Answers the current request, whose form has been read except for what every request may have."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._keys = IdempotencyKeys(ledger)
        self._slow_seconds = settings.slow_seconds
        self._silent_seconds = settings.silent_seconds

    def show(self, form: Form, look: Callable[[Transaction], dict]) -> Response:
        """Answer what is looked up."""
        expanded = _last_of(form)
        with self._ledger.transaction() as tx:
            return json_response(Answer(expand(tx, look(tx), expanded)))

    def act(self, form: Form, effect: Callable[[Transaction], Answer]) -> Response:
        """Answer an effect, once for each idempotency key."""
        expanded = _last_of(form)
        key = request.headers.get("Idempotency-Key") or None
        asked = Asked(key, request.path, tuple(request.form.items(multi=True)))

        def effect_expanded(tx: Transaction) -> Answer:
            answer = effect(tx)
            expand(tx, answer.body, expanded)
            return answer

        with self._keys.held(key):
            answer = self._keys.once(asked, effect_expanded)
            self._keep(answer.pace)
        return json_response(answer)

    def _keep(self, pace: Pace) -> None:
        if pace is Pace.SLOW:
            Line(request.environ).wait(self._slow_seconds)
        elif pace is Pace.SILENT:
            line = Line(request.environ)
            line.wait(self._silent_seconds)
            line.cut()


def _last_of(form: Form) -> list[str]:
    expanded = form.texts("expand")
    form.end()
    return expanded


def json_response(answer: Answer) -> Response:
    """Return an answer as Stripe writes it: indented JSON, and a header on a replay."""
    response = Response(json.dumps(answer.body, indent=2) + "\n", answer.status, mimetype="application/json")
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
