"""The broker's values: as safe as the pods of ours, durable, and reached under the name that workers are given."""

import pytest
import yaml
from rendering import FOLDER, objects, workloads

VALUES = yaml.safe_load((FOLDER / "nats" / "values.yaml").read_text())


def test_its_containers_are_restricted_and_limited():
    for name in ("container", "reloader", "promExporter"):
        merged = VALUES[name]["merge"]
        assert merged["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert (
            set(merged["resources"]["requests"]) == set(merged["resources"]["limits"]) == {"cpu", "memory"}
        ), name


def test_its_pods_are_no_root_and_have_no_token():
    pod = VALUES["podTemplate"]["merge"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_it_is_three_servers_with_their_own_disks_and_acknowledges_what_is_on_them():
    config = VALUES["config"]
    assert (config["cluster"]["enabled"], config["cluster"]["replicas"]) == (True, 3)
    assert config["jetstream"]["fileStore"]["pvc"]["enabled"] is True
    assert config["jetstream"]["merge"]["sync_interval"] == "always"
    assert VALUES["podDisruptionBudget"]["enabled"] is True
    assert VALUES["podTemplate"]["topologySpreadConstraints"]["kubernetes.io/hostname"]["maxSkew"] == 1


@pytest.mark.parametrize(("environment", "servers"), [("production", 3), ("canary", 3), ("dev", 1)])
def test_each_stream_is_kept_by_all_of_its_servers(environment, servers):
    for each in workloads(environment, "worker"):
        told = each.settings().get(f"{each.service.upper()}_NATS_REPLICAS", "1")
        assert int(told) == servers, each


def test_it_is_as_new_as_the_workers_need():
    major, minor = VALUES["container"]["image"]["tag"].removesuffix("-alpine").split(".")[:2]
    assert (int(major), int(minor)) >= (2, 14)


def test_its_password_is_the_one_the_workers_are_given():
    reference = VALUES["container"]["env"]["NATS_PASSWORD"]["valueFrom"]["secretKeyRef"]
    secrets = {one["metadata"]["name"]: one["spec"] for one in objects("production", "ExternalSecret")}
    password = secrets[reference["name"]]["data"]
    assert [one["secretKey"] for one in password] == [reference["key"]]
    user = VALUES["config"]["merge"]["authorization"]
    assert user["password"] == "<< $NATS_PASSWORD >>"
    for service in ("users", "orders", "payments"):
        worker = secrets[f"{service}-nats"]
        assert worker["data"][0]["remoteRef"] == password[0]["remoteRef"]
        url = worker["target"]["template"]["data"]["url"]
        assert url == f"tls://{user['user']}:{{{{ .password | urlquery }}}}@nats:4222"
