"""The canary: one instance of the release on trial beside the others, reached by the gateway's share alone."""

import re
import tomllib

import pytest
from rendering import FOLDER, ROOT, named, objects, rendered, selects, workloads

SHOP = FOLDER / "overlays" / "canary" / "shop"
ROUTES = "gateway/src/gateway/routes.toml"


def of(track):
    [found] = [
        each
        for each in workloads("canary", "web")
        if (each.service, each.labels["souk/track"]) == ("orders", track)
    ]
    return found


def test_its_routes_are_the_gateways_and_the_share():
    together = (ROOT / ROUTES).read_text() + (SHOP / "canary.toml").read_text()
    if (SHOP / "routes.toml").read_text() != together:
        here = SHOP.relative_to(ROOT)
        pytest.fail(f"make them again: cat {ROUTES} {here}/canary.toml > {here}/routes.toml")
    assert tomllib.loads(together)["upstream"] == {
        "orders": {"canary_share": 0.05, "canary_header": "x-souk-canary"}
    }


def test_the_gateway_reads_these_routes_and_knows_the_instances():
    [gateway] = [each for each in workloads("canary", "web") if each.service == "gateway"]
    told = gateway.settings()
    folder, _, name = told["GATEWAY_ROUTES_FILE"].rpartition("/")
    [mount] = [one for one in gateway.app["volumeMounts"] if one["mountPath"] == folder]
    [volume] = [one for one in gateway.pod["volumes"] if one["name"] == mount["name"]]
    routes = named("canary", "ConfigMap", volume["configMap"]["name"])["data"][name]
    assert routes == (SHOP / "routes.toml").read_text()
    assert told["GATEWAY_ORDERS_CANARY_URL"] == "dns://orders-instances-canary:8000"


def test_a_new_share_is_a_new_configuration_and_so_a_rollout():
    [gateway] = [each for each in workloads("canary", "web") if each.service == "gateway"]
    [name] = [one["configMap"]["name"] for one in gateway.pod["volumes"] if one["name"] == "routes"]
    assert re.fullmatch(r"gateway-routes-[a-z0-9]{10}", name)


def test_each_name_leads_to_its_own_instances():
    for name, track in (
        ("orders", "stable"),
        ("orders-instances", "stable"),
        ("orders-instances-canary", "canary"),
    ):
        selector = {"matchLabels": named("canary", "Service", name)["spec"]["selector"]}
        found = [each.labels["souk/track"] for each in workloads("canary") if selects(selector, each.labels)]
        assert found == [track], name


def test_it_is_the_same_but_for_its_release():
    stable, canary = of("stable"), of("canary")
    assert canary.object["spec"]["replicas"] == 1
    assert canary.object["spec"]["selector"]["matchLabels"]["souk/track"] == "canary"
    assert canary.labels["app.kubernetes.io/version"] != stable.labels["app.kubernetes.io/version"]
    assert canary.settings() == stable.settings()
    assert [one["secret"] for one in canary.pod["volumes"] if "secret" in one] == [
        one["secret"] for one in stable.pod["volumes"] if "secret" in one
    ]


def test_its_migration_is_of_its_release():
    [job] = rendered("canary/migrate")
    assert job["metadata"]["name"] == "orders-migrate-canary"
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == of("canary").app["image"]


def test_without_it_production_is_what_it_was():
    names = {
        (each["kind"], each["metadata"]["name"]) for each in objects("production", "Deployment", "Service")
    }
    more = {
        (each["kind"], each["metadata"]["name"]) for each in objects("canary", "Deployment", "Service")
    } - names
    assert more == {("Deployment", "orders-canary"), ("Service", "orders-instances-canary")}
    added = [each for each in objects("canary") if each["metadata"]["name"] in {name for _, name in more}]
    assert all(each["metadata"]["labels"]["souk/track"] == "canary" for each in added), (
        "the README deletes by this label"
    )
