"""Invariants of money: the provider's ledger against payments, payments against orders."""

from collections import Counter, defaultdict

from faults.evidence import Evidence
from faults.history import History

OWED = ("PAID", "FULFILLED")


def an_order_is_charged_once(_: History, evidence: Evidence) -> list[str]:
    """At most one charge succeeded for an order, whatever became of it later."""
    charges = Counter(row["order_id"] for row in evidence.balances if row["charged"])
    return [f"order {order_id} was charged {count} times" for order_id, count in charges.items() if count > 1]


def a_charge_is_refunded_once(_: History, evidence: Evidence) -> list[str]:
    """No charge has two refunds."""
    refunds = Counter(row["payment_intent"] for row in evidence.provider_refunds)
    return [f"{intent} was refunded {count} times" for intent, count in refunds.items() if count > 1]


def nothing_is_given_up_too_soon(_: History, evidence: Evidence) -> list[str]:
    """No payment is declined that the provider still charges."""
    return [
        f"payment {row['payment_id']} was given up and charged"
        for row in evidence.refunds
        if row["reason"] == "late_success"
    ]


def every_charge_is_owed_or_refunded(_: History, evidence: Evidence) -> list[str]:
    """Money that was not given back belongs to an order that is paid."""
    found = []
    for row in evidence.balances:
        if row["charged"] == row["refunded"]:
            continue
        order = evidence.orders.get(row["order_id"])
        if order is None or order["status"] not in OWED or str(order["payment_id"]) != row["payment_id"]:
            found.append(
                f"{row['payment_intent']}: {row['charged'] - row['refunded']} kept for order {row['order_id']}, "
                f"which is {order and order['status']}"
            )
    return found


def payments_and_provider_agree(_: History, evidence: Evidence) -> list[str]:
    """What payments says of a payment is what the provider did."""
    expected = {"succeeded": (1, 0), "refunded": (1, 1), "failed": (0, 0), "processing": (0, 0)}
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in evidence.balances:
        sums[row["payment_id"]][0] += row["charged"]
        sums[row["payment_id"]][1] += row["refunded"]
    given_back = {str(row["payment_id"]) for row in evidence.refunds if row["status"] == "succeeded"}
    found = []
    for payment_id, payment in evidence.payments.items():
        charged, refunded = sums[payment_id]
        taken, returned = expected[payment["status"]]
        late = payment["status"] == "failed" and payment_id in given_back and charged == refunded
        if not late and [charged, refunded] != [taken * payment["amount"], returned * payment["amount"]]:
            found.append(
                f"payment {payment_id} of {payment['amount']} is {payment['status']}; "
                f"charged {charged}, refunded {refunded}"
            )
    unknown = {row["payment_id"] for row in evidence.balances} - set(evidence.payments)
    return found + [f"the provider knows payment {payment_id}, payments does not" for payment_id in unknown]


def totals_agree(_: History, evidence: Evidence) -> list[str]:
    """An order costs what its items cost, at the catalogue's price; its payments are of that amount."""
    found = []
    for order_id, order in evidence.orders.items():
        items = evidence.items[order_id]
        total = sum(item["quantity"] * evidence.prices[item["sku"]] for item in items)
        if order["total"] != total:
            found.append(f"order {order_id} of {total} says {order['total']}")
    for payment_id, payment in evidence.payments.items():
        order = evidence.orders.get(str(payment["order_id"]))
        if order is None or order["total"] != payment["amount"]:
            found.append(f"payment {payment_id} of {payment['amount']} is not of its order's total")
    return found


def the_books_agree(_: History, evidence: Evidence) -> list[str]:
    """The ledger entries of payments add up to what is left with the provider."""
    booked: Counter[str] = Counter()
    for entry in evidence.entries:
        booked[str(entry["payment_id"])] += entry["amount"]
    left: Counter[str] = Counter()
    for row in evidence.balances:
        left[row["payment_id"]] += row["charged"] - row["refunded"]
    return [
        f"payment {payment_id}: {booked[payment_id]} in the books, {left[payment_id]} with the provider"
        for payment_id in {*booked, *left}
        if booked[payment_id] != left[payment_id]
    ]
