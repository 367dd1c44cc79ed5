"""The use case of the books: compare what we booked with what the provider says that it moved."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar
from uuid import UUID

from payments.domain import Charge, Entry, PaymentStatus, RefundStatus, Repayment
from payments.service.ports import Database, ProviderBooks
from payments.service.settling import settle

logger = logging.getLogger(__name__)

# How far the provider's clock and ours may be apart.
SKEW = timedelta(minutes=5)
BATCH = 500

T = TypeVar("T")


class Kind(StrEnum):
    """What may diverge: `there` are the provider's books, `here` ours."""

    CHARGE_UNKNOWN = "charge_unknown"  # charged there for a payment that is not here
    CHARGED_TWICE = "charged_twice"  # a second charge there for one payment
    CHARGE_DIFFERS = "charge_differs"  # another amount or currency there
    CHARGE_MISSING = "charge_missing"  # booked here, not charged there
    REFUND_UNKNOWN = "refund_unknown"  # given back there, not here
    REFUND_DIFFERS = "refund_differs"
    REFUND_MISSING = "refund_missing"  # booked here, not given back there


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    kind: Kind
    reference: str
    payment_id: UUID
    here: str
    there: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What a comparison found: how much was compared, which payments it settled, what an operator gave back where the
    provider could not, and what diverges."""

    since: datetime
    charges: int = 0
    repayments: int = 0
    entries: int = 0
    by_hand: list[Entry] = field(default_factory=list)
    settled: list[UUID] = field(default_factory=list)
    divergences: list[Divergence] = field(default_factory=list)


class Reconciliation:
    """Comparisons of the two books. Any number may run, beside everything else."""

    def __init__(self, database: Database, books: ProviderBooks, window: timedelta) -> None:
        self._database = database
        self._books = books
        self._window = window

    def compare_recent(self) -> Report:
        """Compare what moved within the window that ends now."""
        with self._database.read() as one:
            return self.compare(one.now - self._window)

    def compare(self, since: datetime) -> Report:
        """Compare what moved since a moment; money that came in unnoticed is booked, and given back if it must be.

        The provider's books are read first, and ours only as far as they were written by then: what moves meanwhile
        does not diverge. Raises ProviderUnavailable.
        """
        with self._database.read() as one:
            began_at = one.now
        charges = {each.reference: each for each in self._books.charges_since(since - SKEW)}
        repayments = {each.reference: each for each in self._books.repayments_since(since - SKEW)}
        report = Report(since=since)
        for charged in _batches(each for each in charges.values() if _succeeded(each)):
            report.charges += len(charged)
            self._check_charges(charged, report)
        for given_back in _batches(each for each in repayments.values() if _given_back(each)):
            report.repayments += len(given_back)
            self._check_repayments(given_back, report)
        with self._database.read() as one:
            entries = one.entries_between(since, began_at)
        report.entries = len(entries)
        self._check_entries(entries, charges, repayments, report)
        for found in report.divergences:
            logger.warning("the provider's books and ours diverge", extra=_told(found))
        return report

    def _check_charges(self, charges: list[Charge], report: Report) -> None:
        booked = self._booked(charges)
        unnoticed = [each for each in charges if each.payment_id not in booked]
        for charge in unnoticed:
            with self._database.transaction() as tx:
                known = settle(tx, charge.payment_id, charge.outcome) is not None
            if known:
                report.settled.append(charge.payment_id)
        if unnoticed:
            booked = self._booked(charges)
        for charge in charges:
            entry = booked.get(charge.payment_id)
            if entry is None:
                report.divergences.append(_of_charge(Kind.CHARGE_UNKNOWN, charge, None))
            elif entry.reference != charge.reference:
                report.divergences.append(_of_charge(Kind.CHARGED_TWICE, charge, entry))

    def _check_repayments(self, repayments: list[Repayment], report: Report) -> None:
        with self._database.read() as one:
            refunds = one.refunds_of_charges({each.charge for each in repayments})
        for repayment in repayments:
            # A charge that is not booked is nobody's here, or was reported; a pending refund finds out by itself.
            if repayment.charge not in refunds:
                continue
            payment_id, refund = refunds[repayment.charge]
            if refund is None or (
                refund.status is RefundStatus.SUCCEEDED and refund.reference != repayment.reference
            ):
                report.divergences.append(
                    Divergence(
                        kind=Kind.REFUND_UNKNOWN,
                        reference=repayment.reference,
                        payment_id=payment_id,
                        here="nothing",
                        there=f"{_money(repayment)} of {repayment.charge}",
                    )
                )

    def _check_entries(
        self,
        entries: Iterable[Entry],
        charges: Mapping[str, Charge],
        repayments: Mapping[str, Repayment],
        report: Report,
    ) -> None:
        report.by_hand = [each for each in entries if each.by_hand is not None]
        for entry in (each for each in entries if each.by_hand is None):
            found: Charge | Repayment | None
            if entry.refund_id is None:
                found = charges.get(entry.reference) or self._books.find_charge(entry.reference)
                moved, kinds = (
                    found is not None and _succeeded(found),
                    (Kind.CHARGE_MISSING, Kind.CHARGE_DIFFERS),
                )
            else:
                found = repayments.get(entry.reference) or self._books.find_repayment(entry.reference)
                moved, kinds = (
                    found is not None and _given_back(found),
                    (Kind.REFUND_MISSING, Kind.REFUND_DIFFERS),
                )
            if found is None or not moved:
                report.divergences.append(_of_entry(kinds[0], entry, "nothing"))
            elif _money(found) != _money(entry):
                report.divergences.append(_of_entry(kinds[1], entry, _money(found)))

    def _booked(self, charges: Collection[Charge]) -> dict[UUID, Entry]:
        with self._database.read() as one:
            return one.charges_booked({each.payment_id for each in charges})


def _succeeded(charge: Charge) -> bool:
    return charge.outcome.status is PaymentStatus.SUCCEEDED


def _given_back(repayment: Repayment) -> bool:
    return repayment.status is RefundStatus.SUCCEEDED


def _money(moved: Charge | Repayment | Entry) -> str:
    return f"{moved.amount} {moved.currency}"


def _of_charge(kind: Kind, charge: Charge, entry: Entry | None) -> Divergence:
    return Divergence(
        kind=kind,
        reference=charge.reference,
        payment_id=charge.payment_id,
        here=f"{_money(entry)} as {entry.reference}" if entry else "nothing",
        there=_money(charge),
    )


def _of_entry(kind: Kind, entry: Entry, there: str) -> Divergence:
    return Divergence(
        kind=kind, reference=entry.reference, payment_id=entry.payment_id, here=_money(entry), there=there
    )


def _told(found: Divergence) -> dict[str, str]:
    return {
        "kind": found.kind,
        "reference": found.reference,
        "payment_id": str(found.payment_id),
        "here": found.here,
        "there": found.there,
    }


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, BATCH)):
        yield some
