"""What every process exports is what deploy/observability/metrics.json says, on which rules and dashboards stand."""

import json
import re
from contextlib import suppress

import requests
from shop import until
from stacks import ROOT

METRICS = json.loads((ROOT / "deploy" / "observability" / "metrics.json").read_text())
PROCESSES = sorted({process for metric in METRICS.values() for process in metric["on"]})
OF_THE_LIBRARY = ("python_", "process_")
SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? \S+")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def address_of(stack, process):
    if process != "gateway":
        return stack.processes()[process]["address"]
    lines = (stack.state / "settings" / "gateway.env").read_text().splitlines()
    return "http://" + dict(line.split("=", 1) for line in lines)["GATEWAY_ADMIN_BIND"].strip("'\"")


def scraped(stack, process):
    """Return the metrics of a process that have samples: their labels and the values of each, by name."""
    found = {}
    for line in requests.get(f"{address_of(stack, process)}/metrics", timeout=10).text.splitlines():
        sample = SAMPLE.fullmatch(line)
        if sample is None or sample[1].endswith("_created"):
            continue
        name = re.sub(r"_(bucket|sum|count)$", "", sample[1])
        values = found.setdefault(name, {})
        for label, value in LABEL.findall(sample[2] or ""):
            if label != "le":
                values.setdefault(label, set()).add(value)
    return found


def differences(process, found):
    """Yield in what an export and the list differ."""
    for name, values in found.items():
        metric = METRICS.get(name)
        if metric is None or process not in metric["on"]:
            if not name.startswith(OF_THE_LIBRARY):
                yield f"{process} exports {name}, which is not listed"
            continue
        if set(values) != set(metric["labels"]):
            yield f"{name} of {process} has the labels {sorted(values)}"
        for label, known in metric.get("values", {}).items():
            for value in values.get(label, set()) - set(known):
                yield f"{name} of {process} has {label}={value}, which is not listed"
    for name, metric in METRICS.items():
        if process in metric["on"] and name not in found and "after" not in metric:
            yield f"{process} does not export {name}"


def test_every_process_exports_what_is_listed_and_nothing_else(embedded, shopper, anyone, sku):
    shopper.pay(order := shopper.order(sku))
    shopper.until_status(order, "PAID")
    anyone.get("/api/v1/products")
    anyone.call("POST", "/api/v1/payments/webhooks/stripe", data=b"{}", headers={"Stripe-Signature": "t=1"})

    def told():
        return [each for process in PROCESSES for each in differences(process, scraped(embedded, process))]

    with suppress(AssertionError):
        until(lambda: not told())
    assert told() == []


def test_a_metric_that_is_not_listed_or_has_other_labels_is_noticed():
    found = {"orders_open": {"sort": {"x"}}, "orders_closed": {}}
    told = list(differences("orders-worker", found))
    assert "orders_open of orders-worker has the labels ['sort']" in told
    assert "orders-worker exports orders_closed, which is not listed" in told
    assert "orders-worker does not export outbox_oldest_seconds" in told
