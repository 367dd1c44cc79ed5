"""Invariants of stock: what is left is what there was, less what is sold or reserved."""

from collections import Counter

from faults.evidence import Evidence
from faults.history import History

HOLDING = ("PENDING", "PAID", "FULFILLED")


def stock_adds_up(_: History, evidence: Evidence) -> list[str]:
    """Every piece is on the shelf or in an order that holds it."""
    held: Counter[str] = Counter()
    for order_id, order in evidence.orders.items():
        if order["status"] in HOLDING:
            for item in evidence.items[order_id]:
                held[item["sku"]] += item["quantity"]
    return [
        f"{sku}: {before} pieces before, {evidence.products[sku]['stock']} left and {held[sku]} in orders"
        for sku, before in evidence.stock_before.items()
        if evidence.products[sku]["stock"] + held[sku] != before
    ]
