"""Stripe's `expand`: an id inside an answer is replaced by the object it names."""

from typing import Any

from sandbox import charges, intents
from sandbox.errors import InvalidParameter
from sandbox.ledger import Transaction

EXPANDABLE = {
    "charge": charges.COLLECTION,
    "latest_charge": charges.COLLECTION,
    "payment_intent": intents.COLLECTION,
}


def expand(tx: Transaction, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """Expand an object's, or with `data.` a list's, references in place."""
    for path in paths:
        name = path.removeprefix("data.")
        targets = body["data"] if path != name and body["object"] == "list" else [body]
        if name not in EXPANDABLE or any(name not in target for target in targets):
            raise InvalidParameter(f"This property cannot be expanded ({path[:80]}).", param="expand")
        for target in targets:
            if isinstance(target[name], str):
                target[name] = EXPANDABLE[name].shown(tx, target[name])
    return body
