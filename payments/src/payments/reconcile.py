"""Entry point: shows what is open and what diverges from the provider's books, books what an operator gave back by
hand, and takes in what a restored database lacks; `python -m payments.reconcile`."""

import argparse
import logging
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.errors import ServiceError
from chassis.postgres import Database
from chassis.settings import load_or_exit
from payments.postgres import Store
from payments.service import Adopted, Report, note_given_by_hand
from payments.service.ports import ProviderUnavailable
from payments.settings import PREFIX, Settings
from payments.stripe_parts import create_adoption, create_provider, create_reconciliation

EXIT_DIVERGES, EXIT_REFUSED, EXIT_UNAVAILABLE = 1, 65, 69
LISTED = 50
OPEN = "{kind:<8} {id!s:<38} {payment_id!s:<38} {age_seconds:>7.0f} s {attempts:>6} {next_seconds:>7.0f} s  {reference}"
OPEN_HEADING = f"{'open':<8} {'id':<38} {'payment':<38} {'age':>9} {'tries':>6} {'next in':>9}  reference"
ROW = "{kind:<16} {payment_id:<38} {reference:<34} {here:<24} {there}"


def moment(text: str) -> datetime:
    """Read a time with its zone, such as 2026-11-20T08:00Z. Raises ValueError."""
    told = datetime.fromisoformat(text)
    if told.tzinfo is None:
        raise ValueError("a time needs its zone, such as Z")
    return told


def lines(report: Report) -> list[str]:
    """The report as a person reads it."""
    compared = (
        f"{report.charges} charges and {report.repayments} refunds there, {report.entries} entries here"
    )
    found = [f"Since {report.since:%Y-%m-%d %H:%M:%S}Z: {compared}"]
    found += [f"settled: payment {payment_id}" for payment_id in report.settled]
    found += [
        f"given back by hand: payment {each.payment_id}, {each.amount} {each.currency}, {each.by_hand}"
        for each in report.by_hand
    ]
    if not report.divergences:
        return [*found, "The books agree."]
    found.append(
        ROW.format(kind="divergence", payment_id="payment", reference="reference", here="here", there="there")
    )
    for each in report.divergences:
        found.append(
            ROW.format(
                kind=each.kind,
                payment_id=str(each.payment_id),
                reference=each.reference,
                here=each.here,
                there=each.there,
            )
        )
    return found


def open_lines(rows: list[dict[str, Any]]) -> list[str]:
    """What is open as a person reads it."""
    if not rows:
        return ["Nothing is open."]
    return [
        OPEN_HEADING,
        *(OPEN.format(**row | {"reference": row["reference"] or "not known yet"}) for row in rows),
    ]


def compare(settings: Settings, database: Database[Store], since: datetime | None) -> int:
    """Print what is open and what diverges; return the exit code."""
    with database.read() as one:
        sys.stdout.write("\n".join(open_lines(one.still_open(LISTED))) + "\n")
    reconciliation = create_reconciliation(settings, database)
    report = reconciliation.compare(since) if since else reconciliation.compare_recent()
    sys.stdout.write("\n".join(lines(report)) + "\n")
    return EXIT_DIVERGES if report.divergences else 0


def settle_refund(settings: Settings, database: Database[Store], payment_id: UUID, given: str) -> int:
    """Book a refund that the provider failed as given back by hand; return the exit code."""
    new = note_given_by_hand(database, create_provider(settings), payment_id, given)
    told = "booked as" if new else "was booked before as"
    sys.stdout.write(f"payment {payment_id} {told} given back by hand: {given}\n")
    return 0


def adopted_lines(found: Adopted) -> list[str]:
    """What was taken in as a person reads it."""
    lines = [
        f"taken in: payment {each.id} of order {each.order_id}, {each.amount} {each.currency}, {each.status}"
        for each in found.payments
    ]
    lines += [f"given back there: payment {each}" for each in found.given_back]
    lines += [
        f"left alone: payment {each.charge.payment_id} of order {each.charge.order_id}, {each.charge.amount}"
        f" {each.charge.currency}: {each.why}"
        for each in found.left
    ]
    return lines or ["There is nothing to take in."]


def adopt(settings: Settings, database: Database[Store], since: datetime) -> int:
    """Take in what the provider alone still knows; return the exit code."""
    found = create_adoption(settings, database).adopt(since)
    sys.stdout.write("\n".join(adopted_lines(found)) + "\n")
    return EXIT_DIVERGES if found.left else 0


def reference(text: str) -> str:
    """Read what is not empty. Raises ValueError."""
    if not text.strip():
        raise ValueError("say how it was given back")
    return text.strip()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="payments.reconcile", description=__doc__)
    parser.add_argument(
        "--since", type=moment, help="first moment, such as 2026-11-20T08:00Z; default: the window"
    )
    actions = parser.add_subparsers(dest="action")
    adopt = actions.add_parser("adopt", help="after a restore: take in what the provider alone knows")
    adopt.add_argument("--since", dest="backup", type=moment, required=True, help="when the backup was made")
    settle = actions.add_parser(
        "settle-refund", help="book that a refund which the provider failed was given back by hand"
    )
    settle.add_argument("payment_id", type=UUID)
    settle.add_argument(
        "--reference", type=reference, required=True, help='such as "bank transfer 2026-11-20/17"'
    )
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    logging.disable(logging.WARNING)  # the table says it
    settings = load_or_exit(Settings, PREFIX)
    database = Database(settings, Store)
    try:
        if asked.action == "adopt":
            sys.exit(adopt(settings, database, asked.backup))
        if asked.action == "settle-refund":
            sys.exit(settle_refund(settings, database, asked.payment_id, asked.reference))
        sys.exit(compare(settings, database, asked.since))
    except ServiceError as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(EXIT_REFUSED)
    except ProviderUnavailable as failure:
        sys.stderr.write(f"The provider gives no answer: {failure}\n")
        sys.exit(EXIT_UNAVAILABLE)
    finally:
        database.close()


if __name__ == "__main__":
    main()
