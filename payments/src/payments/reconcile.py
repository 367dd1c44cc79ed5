"""Entry point: shows what is open and what diverges from the provider's books; `python -m payments.reconcile`."""

import argparse
import logging
import sys
from datetime import datetime
from typing import Any

from chassis.postgres import Database
from chassis.settings import load_or_exit
from payments.app import create_reconciliation
from payments.postgres import Store
from payments.service import Report
from payments.service.ports import ProviderUnavailable
from payments.settings import PREFIX, Settings

EXIT_DIVERGES, EXIT_UNAVAILABLE = 1, 69
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="payments.reconcile", description=__doc__)
    parser.add_argument(
        "--since", type=moment, help="first moment, such as 2026-11-20T08:00Z; default: the window"
    )
    since = parser.parse_args().since
    logging.disable(logging.WARNING)  # the table says it
    settings = load_or_exit(Settings, PREFIX)
    database = Database(settings, Store)
    try:
        with database.read() as one:
            sys.stdout.write("\n".join(open_lines(one.still_open(LISTED))) + "\n")
        reconciliation = create_reconciliation(settings, database)
        report = reconciliation.compare(since) if since else reconciliation.compare_recent()
    except ProviderUnavailable as failure:
        sys.stderr.write(f"The provider gives no answer: {failure}\n")
        sys.exit(EXIT_UNAVAILABLE)
    finally:
        database.close()
    sys.stdout.write("\n".join(lines(report)) + "\n")
    sys.exit(EXIT_DIVERGES if report.divergences else 0)


if __name__ == "__main__":
    main()
