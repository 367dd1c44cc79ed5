"""NetworkPolicies read as edges: who may open a connection to whom, on which port."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rendering import COMPONENT, NAME, objects, selects


class Edge(NamedTuple):
    """From and to are pods ("orders/web"), or what lies outside ("namespace ingress", "10.0.0.0/8")."""

    source: str
    target: str
    port: str


def place(labels: Mapping[str, str]) -> str:
    """Return a short name for the pods of a selector."""
    if "cnpg.io/cluster" in labels:
        return labels["cnpg.io/cluster"]
    if NAME in labels:
        return labels[NAME] + (f"/{labels[COMPONENT]}" if COMPONENT in labels else "")
    if COMPONENT in labels:
        return f"any {labels[COMPONENT]}"
    return " ".join(labels)


def peer(said: Mapping[str, Any]) -> str:
    """Return a short name for one peer of a rule."""
    if "ipBlock" in said:
        return said["ipBlock"]["cidr"] + (" but private" if "except" in said["ipBlock"] else "")
    if "namespaceSelector" in said:
        labels = said["namespaceSelector"]["matchLabels"]
        assert labels, "a selector that takes every namespace"
        return f"namespace {next(iter(labels.values()))}"
    assert said["podSelector"].get("matchLabels"), "a selector that takes every pod"
    return place(said["podSelector"]["matchLabels"])


def edges(environment: str, direction: str) -> set[Edge]:
    """Return what the policies allow in one direction, "ingress" or "egress"."""
    return set(_edges(environment, direction))


def _edges(environment: str, direction: str) -> Iterator[Edge]:
    for policy in objects(environment, "NetworkPolicy"):
        labels = policy["spec"]["podSelector"].get("matchLabels", {})
        own = place(labels) if labels else "any pod"
        for rule in policy["spec"].get(direction, []):
            assert rule.get("ports"), f"{policy['metadata']['name']} allows every port"
            peers = rule["from" if direction == "ingress" else "to"]
            assert peers, f"{policy['metadata']['name']} allows everybody"
            for other in map(peer, peers):
                for port in rule["ports"]:
                    ends = (other, own) if direction == "ingress" else (own, other)
                    yield Edge(*ends, f"{port['port']}" + ("/udp" if port["protocol"] == "UDP" else ""))


def covers(selector: str, pods: str) -> bool:
    """Say whether one name stands for the pods of another: "orders" for "orders/web"."""
    return pods == selector or pods.startswith(f"{selector}/")


def takes_some(environment_labels: list[Mapping[str, str]], selector: Mapping[str, Any]) -> bool:
    """Say whether a selector takes any of these pods."""
    return any(selects(selector, labels) for labels in environment_labels)
