"""A process killed between the provider's charge and its own note of it: a retry settles without a second charge."""

from dataclasses import replace

import pytest

from chassis.postgres import Database
from payments.app import create_app
from payments.postgres import Store
from payments.stripe_parts import create_provider


class Killed(BaseException):
    """The process ends here; nothing catches this."""


class DeadlyProvider:
    """The real provider, whose caller dies as soon as the money has moved."""

    def __init__(self, provider) -> None:
        self._provider = provider

    def charge(self, payment):
        self._provider.charge(payment)
        raise Killed


class MistakenProvider(DeadlyProvider):
    """The real provider, whose caller stumbles over its answer and lives on."""

    def charge(self, payment):
        self._provider.charge(payment)
        raise ZeroDivisionError


@pytest.fixture
def start(settings, database, orders):
    """Start a process of the service; `end` is its end."""
    databases = []

    def start(provider=None):
        own = Database(settings, Store)
        databases.append(own)
        app = create_app(settings, database=own, orders=orders, provider=provider)
        return app.test_client(), own.close

    yield start
    for each in databases:
        each.close()


@pytest.mark.parametrize(("method", "status"), [("pm_card_visa", 201), ("pm_card_visa_chargeDeclined", 402)])
def test_a_retry_after_a_kill_tells_what_became_of_the_first_charge(
    start, anna, settings, placed, sandbox, method, status
):
    order = placed(anna)
    dying, end = start(DeadlyProvider(create_provider(settings)))
    with pytest.raises(Killed):
        replace(anna, http=dying).pay(order, method, key="key")
    end()
    next_process, _ = start()
    anna = replace(anna, http=next_process)
    answers = [anna.pay(order, method, key="key") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].data == answers[1].data
    [payment] = anna.call("GET", "").json["data"]
    [intent] = sandbox.intents_of(payment["id"])
    assert intent.amount_received == (order.total if status == 201 else 0)


def test_until_the_dead_are_found_dead_a_retry_is_told_to_wait(start, anna, settings, placed):
    order = placed(anna)
    dying, end = start(DeadlyProvider(create_provider(settings)))
    with pytest.raises(Killed):
        replace(anna, http=dying).pay(order, key="key")
    waiting = replace(anna, http=start()[0]).pay(order, key="key")
    assert (waiting.status_code, waiting.json["code"]) == (409, "request_in_progress")
    end()
    assert replace(anna, http=start()[0]).pay(order, key="key").status_code == 201


def test_a_retry_of_a_request_that_failed_after_the_charge_goes_on_at_once(
    start, anna, settings, placed, sandbox
):
    order = placed(anna)
    mistaken = replace(anna, http=start(MistakenProvider(create_provider(settings)))[0])
    assert mistaken.pay(order, key="key").status_code == 500
    assert replace(anna, http=start()[0]).pay(order, key="key").status_code == 201
    assert sandbox.charged_for(order.id) == [order.total]
