"""Rules and dashboards speak of metrics and labels that some process exports, and of sections that are written."""

import ast
import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import promql
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "deploy" / "observability"
RULES = sorted((PLACE / "rules").glob("*.yml"))
DASHBOARDS = sorted((PLACE / "dashboards").glob("*.json"))
SOURCES = [
    path
    for folder in ("libs/chassis", "gateway", "users", "orders", "payments")
    for path in sorted((ROOT / folder / "src").rglob("*.py"))
]
# What Prometheus itself adds to each series of a target, and what it knows of the target.
OF_THE_TARGET, OF_PROMETHEUS = {"job", "instance"}, {"up": set()}
KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}


@cache
def read_rules():
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions():
    """Return every expression, as (where it stands, the expression)."""
    ruled = [(rule.get("record") or rule["alert"], rule["expr"]) for rule in read_rules()]
    shown = [
        (f"{path.stem}: {panel['title']}", target["expr"])
        for path in DASHBOARDS
        for panel in panels(json.loads(path.read_text()))
        for target in panel.get("targets", [])
    ]
    return ruled + shown


@pytest.fixture(scope="module")
def metrics():
    return json.loads((PLACE / "metrics.json").read_text())


@pytest.fixture(scope="module")
def templates():
    routes = tomllib.loads((ROOT / "gateway/src/gateway/routes.toml").read_text())["route"]
    return {route["path"] for route in routes}


def series(metrics):
    """Return every name a query may use, with its metric; a histogram has three."""
    named = {}
    for name, metric in metrics.items():
        for ending in ("_bucket", "_sum", "_count") if metric["type"] == "histogram" else ("",):
            extra = {"le"} if ending == "_bucket" else set()
            named[name + ending] = metric | {"labels": {*metric["labels"], *extra}}
    return named


def recorded():
    """Return the names of the recording rules, with the labels of their results."""
    labels = {"slo", "route_group"}
    return {rule["record"]: {"labels": labels} for rule in read_rules() if "record" in rule}


def chosen(how, wanted, value):
    found = re.fullmatch(wanted, value) is not None if "~" in how else wanted == value
    return found is not how.startswith("!")


def complaints(expression, metrics, templates):
    """Yield what an expression says that no process does."""
    known = series(metrics) | recorded() | {name: {"labels": extra} for name, extra in OF_PROMETHEUS.items()}
    labels = set(OF_THE_TARGET)
    for selector in promql.selectors(expression):
        metric = known.get(selector.metric)
        if metric is None:
            yield f"no process exports {selector.metric}"
            continue
        own = set(metric["labels"])
        own |= {f"exported_{name}" for name in own & OF_THE_TARGET} | OF_THE_TARGET
        labels |= own
        for label, how, value in selector.matchers:
            if label not in own:
                yield f"{selector.metric} has no label {label}"
                continue
            possible = metric.get("values", {}).get(label)
            if label == "job" and "on" in metric:
                possible = metric["on"]
            if label == "route" and ("job", "=", "gateway") in selector.matchers:
                possible = templates
            if possible and "$" not in value and not any(chosen(how, value, each) for each in possible):
                yield f"{selector.metric} never has {label}{how}{value}"
    for label in promql.kept_labels(expression) - labels:
        yield f"nothing here has a label {label}"


@pytest.mark.parametrize(("where", "expression"), expressions(), ids=lambda text: str(text)[:60])
def test_rules_and_dashboards_name_what_is_exported(where, expression, metrics, templates):
    assert list(complaints(expression, metrics, templates)) == []


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("rate(http_request_total[5m])", "no process exports http_request_total"),
        ('sum(orders_open{sort="unpaid"})', "orders_open has no label sort"),
        ('orders_open{kind="forgotten"}', "orders_open never has kind=forgotten"),
        ('outbox_oldest_seconds{job="gateway"}', "outbox_oldest_seconds never has job=gateway"),
        ("sum by (route, pod) (http_requests_total)", "nothing here has a label pod"),
        (
            'http_requests_total{job="gateway",route=~"/api/v2/.*"}',
            "http_requests_total never has route=~/api/v2/.*",
        ),
        ("http_request_duration_seconds", "no process exports http_request_duration_seconds"),
    ],
)
def test_what_no_process_exports_is_noticed(expression, complaint, metrics, templates):
    assert list(complaints(expression, metrics, templates)) == [complaint]


def declared():
    """Return the metrics that the sources declare: type and labels by name."""
    found = {}
    for path in SOURCES:
        text = path.read_text()
        if "prometheus_client import" not in text:
            continue
        for call in ast.walk(ast.parse(text)):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KINDS):
                continue
            name, kind = ast.literal_eval(call.args[0]), KINDS[call.func.id]
            labels = ast.literal_eval(call.args[2]) if len(call.args) > 2 else ()
            found[name + ("_total" if kind == "counter" else "")] = (kind, tuple(labels))
    return found


def test_the_list_of_metrics_is_what_the_sources_declare(metrics):
    listed = {
        name: (metric["type"], tuple(metric["labels"]))
        for name, metric in metrics.items()
        if not name.startswith("process_")
    }
    assert listed == declared()


def test_every_name_has_its_unit_and_its_ending(metrics):
    for name, metric in metrics.items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), name
        assert name.endswith("_total") is (metric["type"] == "counter"), name
        assert not re.search(r"_(ms|millis|milliseconds|minutes|kb|mb)(_|$)", name), name


def test_every_route_belongs_to_one_objective_or_is_left_out_on_purpose(templates):
    groups = {}
    for rule in read_rules():
        if rule.get("labels", {}).get("slo") == "availability" and rule.get("record") == "slo:events:rate5m":
            (selector,) = promql.selectors(rule["expr"])
            pattern = next(value for label, _, value in selector.matchers if label == "route")
            groups[rule["labels"]["route_group"]] = pattern
    belongs = {
        path: [name for name, pattern in groups.items() if re.fullmatch(pattern, path)] for path in templates
    }
    assert {path for path, names in belongs.items() if len(names) != 1} == {"/api/v1/orders/{id}/events"}


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alert_says_what_to_do_and_whom_it_calls():
    written = anchors((ROOT / "deploy" / "OPERATIONS.md").read_text())
    for rule in read_rules():
        if "alert" in rule:
            place, _, section = rule["annotations"]["runbook"].partition("#")
            assert (place, section in written) == ("deploy/OPERATIONS.md", True), rule["alert"]
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_alert_has_a_test():
    tested = {
        case["alertname"]
        for path in (PLACE / "tests").glob("*.yml")
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
        if case.get("exp_alerts")
    }
    assert {rule["alert"] for rule in read_rules() if "alert" in rule} == tested


def test_there_is_a_dashboard_for_each_service_the_gateway_and_the_shop():
    assert {path.stem for path in DASHBOARDS} == {"gateway", "orders", "payments", "shop", "users"}
    uids = [json.loads(path.read_text())["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(uids)


def test_every_metric_is_shown_or_watched(metrics):
    named = {selector.metric for _, expression in expressions() for selector in promql.selectors(expression)}
    unseen = [
        name
        for name in metrics
        if not name.startswith("process_")
        and not named & {name, f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    ]
    assert unseen == []


def test_every_job_has_metrics_and_every_process_with_metrics_is_scraped(metrics):
    jobs = {
        each["job_name"] for each in yaml.safe_load((PLACE / "prometheus.yml").read_text())["scrape_configs"]
    }
    assert jobs == {process for metric in metrics.values() for process in metric["on"]}


PROMTOOL = [
    ["check", "config", "--syntax-only", "prometheus.yml"],
    ["check", "rules", *(f"rules/{path.name}" for path in RULES)],
    ["test", "rules", *(f"tests/{path.name}" for path in sorted((PLACE / "tests").glob("*.yml")))],
]


@pytest.mark.parametrize("arguments", PROMTOOL, ids=lambda words: " ".join(words[:2]))
def test_promtool_finds_nothing_wrong(arguments):
    if shutil.which("promtool") is None:
        pytest.skip(
            "promtool is not here: it comes with Prometheus; the rules are only read by our own tests"
        )
    ran = subprocess.run(["promtool", *arguments], cwd=PLACE, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
