"""Invariants of answers: what shoppers were told against what there is."""

import json
from collections import defaultdict

from faults.evidence import Evidence
from faults.history import History, Told

# A duplicate of a request that still runs is told so at once, not when the first one is done.
AT_ONCE_SECONDS = 1.5
# Answers that a request cannot have when all its key has seen is itself.
NOT_ITS_OWN = {"payment_exists", "idempotency_key_reused", "request_in_progress"}


def acknowledged_orders_exist(history: History, evidence: Evidence) -> list[str]:
    """Every order that somebody was told is placed is there, with the items that were asked for."""
    found = []
    for told in history.done("place"):
        order = told.json()
        row = evidence.orders.get(order["id"])
        asked = {item["sku"]: item["quantity"] for item in json.loads(told.body)["items"]}
        there = {item["sku"]: item["quantity"] for item in evidence.items.get(order["id"], [])}
        if row is None:
            found.append(f"order {order['id']} was acknowledged and is not there")
        elif there != asked:
            found.append(f"order {order['id']} has {there}, asked were {asked}")
    return found


def nobody_ordered_what_was_not_asked(history: History, evidence: Evidence) -> list[str]:
    """Every order and every payment was asked for under a key that made it."""
    asked = {(told.user_id, told.key) for told in history}
    made = {str(row["id"]): (row["caller"], row["key"]) for row in evidence.keys}
    return [
        f"{one} was made by no request"
        for one in (*evidence.orders, *evidence.payments)
        if made.get(one) not in asked
    ]


def no_key_has_two_effects(history: History, evidence: Evidence) -> list[str]:
    """All good answers to one key name the same thing, and there is no more of it than keys."""
    named: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for told in history:
        if told.done:
            named[told.request].add(told.json().get("id", ""))
    found = [f"{request} made {sorted(ids)}" for request, ids in named.items() if len(ids) > 1]
    asked = {told.request for told in history if told.operation in ("place", "duplicate")}
    if len(evidence.orders) > len(asked):
        found.append(f"{len(evidence.orders)} orders for {len(asked)} keys")
    return found


def answers_belong_to_their_asker(history: History, evidence: Evidence) -> list[str]:
    """Nobody is answered with what is another's."""
    found = []
    for told in history:
        if told.done and told.operation in ("place", "duplicate", "cancel"):
            row = evidence.orders.get(told.json()["id"])
        elif told.done and told.operation == "pay":
            row = evidence.payments.get(told.json()["id"])
        else:
            continue
        if row is None or str(row["user_id"]) != told.user_id:
            found.append(f"{told.user_id} was answered to {told.path} {told.key} with what is not theirs")
    return found


def replays_are_equal(history: History, _: Evidence) -> list[str]:
    """All final answers to one request under one key are the same, byte for byte."""
    said: dict[tuple[str, ...], set[tuple[int, str]]] = defaultdict(set)
    for told in history:
        if told.done or told.status == 402:
            said[(*told.request, told.body)].add((told.status, told.answer))
    return [
        f"{request[:3]} was answered in {len(all_said)} ways"
        for request, all_said in said.items()
        if len(all_said) > 1
    ]


def reused_keys_are_refused(history: History, _: Evidence) -> list[str]:
    """A key with another body is refused with 422."""
    return [
        f"key {told.key} with another body was answered {told.status} {told.code}"
        for told in history
        if told.operation == "reuse" and told.final and told.code != "idempotency_key_reused"
    ]


def duplicates_are_told_at_once(history: History, _: Evidence) -> list[str]:
    """Who asks the same while the first request is held up is not held up."""
    return [
        f"duplicate of {told.key} waited {told.seconds:.1f} s"
        for told in history
        if told.operation == "duplicate" and told.seconds > AT_ONCE_SECONDS
    ]


def own_retries_are_not_refused(history: History, _: Evidence) -> list[str]:
    """A retry gets its own answer, not a refusal because of what its first try did."""
    rivals: dict[tuple[str, str], set[str]] = defaultdict(set)
    for told in history:
        if told.operation == "pay":
            rivals[told.user_id, told.body.partition("order_id")[2][:45]].add(told.key)
    return [
        f"{told.key} was refused with {told.code} though no other key asked for it"
        for told in history
        if told.operation == "pay"
        and told.final
        and told.code in NOT_ITS_OWN
        and len(rivals[told.user_id, told.body.partition("order_id")[2][:45]]) == 1
    ]


def nobody_is_told_of_a_mistake_inside(history: History, _: Evidence) -> list[str]:
    """Whatever is down, no service loses its head."""
    return [f"{told.path} {told.key}: 500" for told in history if told.status == 500]


def what_was_told_is_true(history: History, evidence: Evidence) -> list[str]:
    """A payment that was told as succeeded or declined is what was told."""
    found = []
    for told in history:
        if told.operation != "pay" or not told.final:
            continue
        status = told.json().get("status") if told.done else ""
        row = evidence.payments.get(told.json().get("id", "")) if told.done else None
        if status == "succeeded" and (row is None or row["status"] not in ("succeeded", "refunded")):
            found.append(f"payment {told.json()['id']} was told as succeeded and is {row and row['status']}")
        if status == "processing" and row is None:
            found.append(f"payment {told.json()['id']} was told as processing and is not there")
        if told.status == 402 and not _failed(told, evidence):
            found.append(f"{told.user_id} {told.key} was told as declined, and no payment has failed")
    return found


def _failed(told: Told, evidence: Evidence) -> bool:
    order_id = json.loads(told.body)["order_id"]
    return any(
        row["status"] == "failed" and str(row["order_id"]) == order_id for row in evidence.payments.values()
    )


def cancelled_orders_stay_cancelled(history: History, evidence: Evidence) -> list[str]:
    """An order that was told as cancelled is, and its money is on its way back or there."""
    statuses = {told.json()["id"] for told in history.done("cancel")}
    return [
        f"order {order_id} was told as cancelled and is {evidence.orders[order_id]['status']}"
        for order_id in statuses
        if evidence.orders[order_id]["status"] not in ("CANCELLED", "REFUNDED")
    ]


def nobody_gave_up(history: History, _: Evidence) -> list[str]:
    """Every request that was sent until it was answered has an answer."""
    answered = {told.request for told in history if told.final}
    asked = {told.request for told in history if told.operation in ("place", "pay", "cancel")}
    return [f"{request} was never answered" for request in asked - answered]
