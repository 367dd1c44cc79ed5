"""The adapter against a Stripe server that nobody here wrote: both mean the same by charge, decline and refund."""

from datetime import timedelta

import pytest
import stripe
from live_localstripe import live_localstripe
from samples import API_KEY, payment_by, refund_of

from payments.domain import PaymentStatus, RefundStatus
from payments.service.ports import ProviderUnavailable
from payments.stripe_books import StripeBooks
from payments.stripe_provider import StripeProvider

# It declines other test cards only when they are attached to a customer.
DECLINED = "pm_card_chargeCustomerFail"
NEEDS_A_SECOND_STEP = "4000002500003155"


@pytest.fixture(scope="module")
def localstripe(tmp_path_factory):
    with live_localstripe(tmp_path_factory.mktemp("localstripe")) as url:
        yield url


@pytest.fixture
def provider(localstripe):
    return StripeProvider(API_KEY, localstripe, timeout_seconds=5)


@pytest.fixture
def books(localstripe):
    return StripeBooks(API_KEY, localstripe, timeout_seconds=5)


@pytest.fixture
def charged(provider):
    payment = payment_by()
    return payment.known_as(provider.charge(payment).reference)


def test_a_charge_succeeds_and_is_looked_up_by_reference_and_by_payment(provider):
    payment = payment_by()
    outcome = provider.charge(payment)
    assert outcome.status is PaymentStatus.SUCCEEDED
    assert outcome.reference.startswith("pi_")
    assert provider.look_up(payment.known_as(outcome.reference)) == outcome
    assert provider.look_up(payment) == outcome


def test_a_decline_is_a_failure_with_a_reason_however_it_is_asked_for(provider):
    payment = payment_by(DECLINED)
    outcome = provider.charge(payment)
    assert (outcome.status, outcome.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert provider.look_up(payment).status is PaymentStatus.FAILED
    assert provider.look_up(payment).failure_code == "card_declined"


def test_a_card_that_needs_a_second_step_is_cancelled(provider, localstripe):
    client = stripe.StripeClient(API_KEY, base_addresses={"api": localstripe})
    card = {"number": NEEDS_A_SECOND_STEP, "exp_month": 12, "exp_year": 2030, "cvc": "123"}
    method = client.v1.payment_methods.create({"type": "card", "card": card})
    outcome = provider.charge(payment_by(method.id))
    assert (outcome.status, outcome.failure_code) == (PaymentStatus.FAILED, "canceled")


def test_a_payment_method_that_is_none_is_not_taken_for_a_charge(provider):
    with pytest.raises(ProviderUnavailable, match="404"):  # Stripe answers 400, which is a refusal
        provider.charge(payment_by("pm_nobody"))


def test_a_refund_is_made_and_looked_up(provider, charged):
    refund = refund_of(charged)
    outcome = provider.refund(refund, charged)
    assert outcome.status is RefundStatus.SUCCEEDED
    assert provider.refund(refund.become(outcome, charged.created_at), charged) == outcome


def test_its_books_show_charges_and_refunds_page_by_page(provider, books, charged):
    given_back = provider.refund(refund_of(charged), charged)
    more = [payment_by() for _ in range(101)]
    for payment in more:
        provider.charge(payment)
    since = charged.created_at - timedelta(minutes=1)
    charges = {each.payment_id: each for each in books.charges_since(since)}
    assert {each.id for each in (charged, *more)} <= set(charges)
    assert (charges[charged.id].amount, charges[charged.id].currency) == (1999, "EUR")
    [repayment] = [each for each in books.repayments_since(since) if each.reference == given_back.reference]
    assert (repayment.charge, repayment.amount, repayment.currency) == (charged.reference, 1999, "EUR")


def test_one_line_of_its_books_is_found_by_its_reference(provider, books, charged):
    given_back = provider.refund(refund_of(charged), charged)
    assert books.find_charge(charged.reference).payment_id == charged.id
    assert books.find_repayment(given_back.reference).charge == charged.reference
    assert (books.find_charge("pi_none"), books.find_repayment("re_none")) == (None, None)
