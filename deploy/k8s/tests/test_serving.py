"""A restart, a rollout, a lost node and a busy hour fail no request: probes, endings, spread, budgets, scaling."""

import pytest
from documents import settings_of
from rendering import ENVIRONMENTS, NAME, objects, of_all, selects, workloads

GUNICORN_SECONDS = 2  # how much longer than linger and drain gunicorn waits


def scaling(environment):
    """Return the autoscalers by the Deployment that each scales."""
    every = [one["spec"] for one in objects(environment, "HorizontalPodAutoscaler")]
    return {one["scaleTargetRef"]["name"]: one for one in every}


def seconds(workload, what):
    name = f"{workload.service.upper()}_SHUTDOWN_{what}_SECONDS"
    return float(workload.settings().get(name) or settings_of(workload.service)[name])


def test_processes_are_asked_whether_they_live_and_whether_they_are_ready():
    for each in of_all("web", "worker"):
        for probe, path in (
            ("startupProbe", "/livez"),
            ("livenessProbe", "/livez"),
            ("readinessProbe", "/readyz"),
        ):
            assert each.app[probe]["httpGet"] == {"path": path, "port": "admin"}, each
        patience = each.app["livenessProbe"]
        assert patience["timeoutSeconds"] >= 2 and patience["failureThreshold"] >= 3, each


def test_a_web_process_lingers_and_is_given_the_time_to_drain():
    for each in of_all("web"):
        linger = seconds(each, "LINGER")
        pause = each.app.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        leaving = each.app["readinessProbe"]["periodSeconds"] * each.app["readinessProbe"]["failureThreshold"]
        looked_up = float(settings_of("gateway")["GATEWAY_DNS_REFRESH_SECONDS"])
        assert linger + pause > max(leaving, looked_up), each
        needed = pause + linger + seconds(each, "DRAIN") + GUNICORN_SECONDS
        assert needed <= each.pod["terminationGracePeriodSeconds"] <= needed + 30, each


def test_a_worker_is_given_the_time_to_drain():
    for each in of_all("worker"):
        assert seconds(each, "DRAIN") + GUNICORN_SECONDS <= each.pod["terminationGracePeriodSeconds"], each


def test_a_rollout_takes_no_instance_away_before_the_next_is_ready():
    for each in of_all("web", "worker"):
        assert each.object["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, each


def test_instances_are_spread_over_zones_and_machines():
    for each in of_all("web", "worker"):
        spread = each.pod["topologySpreadConstraints"]
        keys = {one["topologyKey"] for one in spread}
        assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, each
        for one in spread:
            assert each.is_of(one["labelSelector"]), each
            assert NAME in one["matchLabelKeys"], f"{each} is counted with other services"


def test_each_web_and_worker_has_one_budget_of_its_own():
    for environment in ENVIRONMENTS:
        for each in workloads(environment, "web", "worker"):
            budgets = [
                one
                for one in objects(environment, "PodDisruptionBudget")
                if each.is_of(one["spec"]["selector"])
            ]
            assert len(budgets) == 1, each
            assert budgets[0]["spec"]["maxUnavailable"] == 1, each
            others = [one for one in workloads(environment) if one.is_of(budgets[0]["spec"]["selector"])]
            assert [one.name for one in others] == [each.name], f"{each} shares its budget"


@pytest.mark.parametrize("environment", ["production", "canary"])
def test_production_scales_each_web_deployment_and_fixes_no_number_beside_it(environment):
    scaled = scaling(environment)
    stable = [each for each in workloads(environment, "web") if each.labels["souk/track"] == "stable"]
    assert set(scaled) == {each.name for each in stable} == {"gateway", "users", "orders", "payments"}
    for each in stable:
        assert "replicas" not in each.object["spec"], f"{each}: an apply would undo the autoscaler's number"
        assert 2 <= scaled[each.name]["minReplicas"] < scaled[each.name]["maxReplicas"], each


def test_production_runs_two_of_each_worker():
    for each in workloads("production", "worker"):
        assert each.object["spec"]["replicas"] == 2, each


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_database_has_room_for_the_connections_of_all_instances(environment):
    scaled = scaling(environment)
    for cluster in objects(environment, "Cluster"):
        service = cluster["spec"]["bootstrap"]["initdb"]["database"]
        known, needed = settings_of(service), 0
        for each in workloads(environment, "web", "worker"):
            if each.service == service:
                told = known | {name: value for name, value in each.settings().items() if value}
                replicas = (
                    scaled[each.name]["maxReplicas"]
                    if each.name in scaled
                    else each.object["spec"]["replicas"]
                )
                processes = int(told[f"{service.upper()}_WEB_PROCESSES"]) if each.component == "web" else 1
                needed += (replicas + 1) * processes * int(told[f"{service.upper()}_DB_POOL_MAX_SIZE"])
        there = int(cluster["spec"]["postgresql"]["parameters"]["max_connections"])
        assert 0 < needed <= there - 10, f"{environment}/{service}: {needed} of {there}"


def test_production_keeps_each_commit_on_two_machines():
    for cluster in objects("production", "Cluster"):
        synchronous = cluster["spec"]["postgresql"]["synchronous"]
        assert cluster["spec"]["instances"] >= 3 and synchronous["number"] >= 1
        assert synchronous["dataDurability"] == "required"


def test_ports_are_those_the_services_listen_on():
    for each in of_all("web", "worker", "provider"):
        told = settings_of(each.service) | {name: value for name, value in each.settings().items() if value}
        prefix = each.service.upper()
        bind = told[f"{prefix}_WORKER_BIND" if each.component == "worker" else f"{prefix}_BIND"]
        beside = {"gateway": "GATEWAY_ADMIN_BIND"}.get(each.service, f"{prefix}_PROBE_BIND")
        binds = [bind, told[beside]] if each.component == "web" else [bind]
        assert all(one.startswith("0.0.0.0:") for one in binds), (
            f"{each} listens where nobody reaches it: {binds}"
        )
        ports = [one["containerPort"] for one in each.app["ports"]]
        assert ports == [int(one.rpartition(":")[2]) for one in binds], each
        said = each.object["spec"]["template"]["metadata"].get("annotations", {}).get("prometheus.io/port")
        assert said in (None, str(ports[-1])), each


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_service_leads_to_a_port_of_one_workload(environment):
    for service in objects(environment, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        [target] = [each for each in workloads(environment) if selects(selector, each.labels)]
        ports = {one["name"]: one["containerPort"] for one in target.app["ports"]}
        for one in service["spec"]["ports"]:
            assert ports[one["targetPort"]] == one["port"], service["metadata"]["name"]
        if service["metadata"]["name"].endswith(("-instances", "-instances-canary")):
            assert service["spec"]["clusterIP"] == "None", (
                "the gateway would see one address for all instances"
            )
