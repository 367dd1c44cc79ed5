"""The invariants: what has to hold whatever broke; each returns its violations, one line each."""

from collections.abc import Callable, Mapping

from faults.evidence import Evidence
from faults.history import History
from faults.invariants import answers, events, money, rest, stock

Invariant = Callable[[History, Evidence], list[str]]

# What may never be seen, not even while something is down.
ALWAYS: tuple[Invariant, ...] = (
    answers.acknowledged_orders_exist,
    answers.nobody_ordered_what_was_not_asked,
    answers.no_key_has_two_effects,
    answers.answers_belong_to_their_asker,
    answers.replays_are_equal,
    answers.reused_keys_are_refused,
    answers.duplicates_are_told_at_once,
    answers.own_retries_are_not_refused,
    answers.nobody_is_told_of_a_mistake_inside,
    money.an_order_is_charged_once,
    money.a_charge_is_refunded_once,
    money.nothing_is_given_up_too_soon,
    money.totals_agree,
    events.versions_have_no_gap,
    events.events_tell_the_moves,
    events.no_event_is_a_phantom,
    events.first_deliveries_are_in_order,
)
# What has to hold as soon as everything has been caught up.
IN_THE_END: tuple[Invariant, ...] = (
    answers.what_was_told_is_true,
    answers.cancelled_orders_stay_cancelled,
    answers.nobody_gave_up,
    money.every_charge_is_owed_or_refunded,
    money.payments_and_provider_agree,
    money.the_books_agree,
    stock.stock_adds_up,
    events.every_event_is_delivered,
    events.every_event_is_told_once,
    rest.nothing_is_open,
    rest.nothing_waits_in_an_outbox,
    rest.nothing_is_in_hand,
    rest.nothing_is_a_dead_letter,
    rest.orders_and_payments_agree,
    rest.every_key_has_its_answer,
    rest.nothing_outlives_its_time,
)


def violations(history: History, evidence: Evidence) -> Mapping[str, list[str]]:
    """Return what is violated, by the invariants' names; nothing where all hold."""
    found = {each.__name__: each(history, evidence) for each in (*ALWAYS, *IN_THE_END)}
    return {name: lines for name, lines in found.items() if lines}
