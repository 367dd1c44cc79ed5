"""Who may talk to whom: nobody, but for the edges that are declared here, and those in both directions."""

import pytest
from edges import Edge, covers, edges, takes_some
from rendering import ENVIRONMENTS, named, objects, workloads

SERVICES = ("users", "orders", "payments")
OUTSIDE = ("namespace ", "0.0.0.0/0")
# Pods that operators and charts make: the databases, the broker, and what answers a certificate authority's challenge.
MADE_ELSEWHERE = ("cnpg.io/cluster", "acme.cert-manager.io/http01-solver")

ANY_POD = {Edge("any pod", "namespace kube-system", "53"), Edge("any pod", "namespace kube-system", "53/udp")}
INWARD = {
    Edge("namespace ingress", "gateway", "8080"),
    Edge("namespace ingress", "acme.cert-manager.io/http01-solver", "8089"),
    Edge("namespace monitoring", "gateway", "8081"),
    Edge("namespace monitoring", "nats", "7777"),
    *(Edge("namespace monitoring", f"{name}/web", "8002") for name in SERVICES),
    *(Edge("namespace monitoring", f"{name}/worker", "8001") for name in SERVICES),
    *(Edge("namespace monitoring", f"{name}-db", "9187") for name in SERVICES),
    *(
        Edge("namespace database-operator", f"{name}-db", port)
        for name in SERVICES
        for port in ("5432", "8000")
    ),
}
WITHIN = {
    *(Edge("gateway", f"{name}/web", "8000") for name in SERVICES),
    Edge("gateway", "redis", "6379"),
    Edge("payments/web", "orders/web", "8000"),
    *(
        Edge(f"{name}/{part}", f"{name}-db", "5432")
        for name in SERVICES
        for part in ("web", "worker", "migrate")
    ),
    *(Edge(f"{name}-db", f"{name}-db", port) for name in SERVICES for port in ("5432", "8000")),
    *(Edge(f"{name}/worker", "nats", "4222") for name in SERVICES),
    *(Edge("nats", "nats", port) for port in ("4222", "6222", "8222")),
}
SANDBOX = {
    Edge("payments/web", "sandbox", "12111"),
    Edge("payments/worker", "sandbox", "12111"),
    Edge("sandbox", "gateway", "8080"),
}
TRACES = {Edge(f"any {part}", "namespace tracing", "4318") for part in ("web", "worker")}
# A database's instances ask the API server who leads.
OUTWARD = {Edge(f"{name}-db", "0.0.0.0/0", port) for name in SERVICES for port in ("443", "6443")}
STRIPE = {Edge(f"payments/{part}", "0.0.0.0/0 but private", "443") for part in ("web", "worker")}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_no_policy_allows_is_denied(environment):
    assert named(environment, "NetworkPolicy", "default-deny")["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_reach_what_is_declared_and_nothing_else(environment):
    own = (SANDBOX, set()) if environment == "dev" else (set(), STRIPE)
    assert edges(environment, "egress") == ANY_POD | TRACES | WITHIN | OUTWARD | own[0] | own[1]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_pods_are_reached_by_whom_is_declared_and_nobody_else(environment):
    # A database takes all parts of its service in one rule.
    spread = {
        Edge(f"{edge.source}/{part}", edge.target, edge.port) if edge.source in SERVICES else edge
        for edge in edges(environment, "ingress")
        for part in ("web", "worker", "migrate")
    }
    assert spread == INWARD | WITHIN | (SANDBOX if environment == "dev" else set())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_one_end_allows_the_other_allows_too(environment):
    out, into = edges(environment, "egress"), edges(environment, "ingress")
    for edge in out - ANY_POD:
        if not edge.target.startswith(OUTSIDE):
            assert any(covers(one.source, edge.source) and one[1:] == edge[1:] for one in into), edge


@pytest.mark.parametrize("environment", ["dev", "production"])
def test_every_policy_is_about_pods_that_are_there(environment):
    there = [each.labels for each in workloads(environment)] + [{"app.kubernetes.io/name": "nats"}]
    clusters = {each["metadata"]["name"] for each in objects(environment, "Cluster")}
    for policy in objects(environment, "NetworkPolicy"):
        rules = policy["spec"].get("ingress", []) + policy["spec"].get("egress", [])
        peers = [one for rule in rules for one in rule.get("from", []) + rule.get("to", [])]
        inside = [one["podSelector"] for one in peers if set(one) == {"podSelector"}]
        for selector in [policy["spec"]["podSelector"], *inside]:
            labels = selector.get("matchLabels", {})
            if not set(labels) & set(MADE_ELSEWHERE):
                assert takes_some(there, selector), f"{policy['metadata']['name']}: {labels}"
            assert labels.get("cnpg.io/cluster", "users-db") in clusters, policy["metadata"]["name"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_ports_that_are_opened_are_ports_that_pods_have(environment):
    ports = {
        f"{each.service}/{each.component}": {str(one["containerPort"]) for one in each.app.get("ports", [])}
        for each in workloads(environment)
    }
    for edge in edges(environment, "ingress"):
        for pods, open_there in ports.items():
            if covers(edge.target, pods):
                assert edge.port in open_there, edge


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_service_is_reached_from_outside_past_the_ingress(environment):
    for service in objects(environment, "Service"):
        spec = service["spec"]
        assert spec.get("type", "ClusterIP") == "ClusterIP", service["metadata"]["name"]
        assert not {"externalIPs", "loadBalancerIP"} & spec.keys(), service["metadata"]["name"]
