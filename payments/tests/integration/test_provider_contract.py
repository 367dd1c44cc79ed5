"""The contract of the provider, held by Stripe's adapter against the sandbox and by the double alike."""

import pytest
from doubles import MemoryProvider
from samples import API_KEY, payment_by, refund_of

from payments.domain import PaymentStatus, RefundStatus
from payments.service.ports import ProviderUnavailable
from payments.stripe_provider import StripeProvider


@pytest.fixture(params=["memory", "stripe"])
def provider(request):
    if request.param == "memory":
        return MemoryProvider()
    sandbox = request.getfixturevalue("sandbox")
    return StripeProvider(API_KEY, sandbox.url, timeout_seconds=5)


def test_a_charge_that_is_repeated_is_the_same_charge(provider):
    payment = payment_by()
    first = provider.charge(payment)
    assert (first.status, first.failure_code) == (PaymentStatus.SUCCEEDED, None)
    assert first.reference
    assert provider.charge(payment) == first


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_decline_has_a_reason_however_it_is_asked_for(provider, method, reason):
    payment = payment_by(method)
    outcome = provider.charge(payment)
    assert (outcome.status, outcome.failure_code) == (PaymentStatus.FAILED, reason)
    assert provider.charge(payment) == outcome
    assert provider.look_up(payment.known_as(outcome.reference)) == outcome


def test_a_charge_is_looked_up_by_its_reference_or_by_its_payment(provider):
    payment = payment_by()
    charged = provider.charge(payment)
    assert provider.look_up(payment) == charged
    assert provider.look_up(payment.known_as(charged.reference)) == charged


def test_looking_up_what_was_never_charged_makes_no_charge(provider):
    payment = payment_by()
    assert provider.look_up(payment) is None
    assert provider.look_up(payment) is None


def test_a_refund_that_is_repeated_is_the_same_refund(provider):
    payment = payment_by()
    payment = payment.known_as(provider.charge(payment).reference)
    refund = refund_of(payment)
    first = provider.refund(refund, payment)
    assert first.status is RefundStatus.SUCCEEDED
    assert first.reference
    assert provider.refund(refund, payment) == first


def test_what_was_never_charged_cannot_be_given_back(provider):
    payment = payment_by(reference="pi_unknown")
    with pytest.raises(ProviderUnavailable):
        provider.refund(refund_of(payment), payment)
