"""What holds for every pod: it can do nothing but its work, and no more of it than it was given room for."""

import re

from rendering import ENVIRONMENTS, objects, of_all, rendered, workloads

OWN = ("gateway", "users", "orders", "payments")
COMMANDS = {(service, component) for service in OWN[1:] for component in ("web", "worker")} | {
    ("gateway", "web")
}


def test_every_environment_has_all_commands_of_all_services():
    for environment in ENVIRONMENTS:
        assert {(each.service, each.component) for each in workloads(environment)} >= COMMANDS


def test_no_pod_runs_as_root_or_without_seccomp():
    for each in of_all():
        context = each.pod["securityContext"]
        assert context["runAsNonRoot"] is True, each
        assert context["runAsUser"] >= 10000 and context["runAsGroup"] >= 10000, each
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, each
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(each.pod), each


def test_no_container_can_write_its_root_or_gain_a_privilege():
    for each in of_all():
        for container in each.containers:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, each
            assert context["allowPrivilegeEscalation"] is False, each
            assert context["capabilities"] == {"drop": ["ALL"]}, each
            assert not context.get("privileged"), each
            assert not {"runAsUser", "runAsNonRoot", "seccompProfile"} & set(context), (
                f"{each} overrides its pod's"
            )


def test_every_container_asks_for_and_is_limited_to_cpu_and_memory():
    for each in of_all():
        for container in each.containers:
            resources = container["resources"]
            assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}, each


def test_every_pod_has_the_account_of_its_service_and_no_token():
    for each in of_all():
        accounts = {one["metadata"]["name"]: one for one in objects(each.environment, "ServiceAccount")}
        assert each.pod["serviceAccountName"] == each.service, each
        assert accounts[each.service]["automountServiceAccountToken"] is False, each
        assert each.pod["automountServiceAccountToken"] is False, each
        assert each.pod["enableServiceLinks"] is False, f"{each}: links make variables like ORDERS_PORT"


def test_every_pod_can_write_to_its_temporary_folder_in_memory():
    for each in of_all():
        mounts = {one["mountPath"]: one["name"] for one in each.app["volumeMounts"]}
        volumes = {one["name"]: one for one in each.pod["volumes"]}
        assert volumes[mounts["/tmp"]]["emptyDir"]["medium"] == "Memory", each
        assert set(mounts.values()) == set(volumes), each


def test_production_runs_images_by_digest_and_nothing_runs_by_a_moving_tag():
    for each in of_all():
        for container in each.containers:
            image = container["image"]
            assert re.search(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[\w.-]+$", image), f"{each}: {image}"
            if each.environment != "dev" and each.service in OWN:
                assert re.fullmatch(r"[\w./-]+/souk/\w+@sha256:[0-9a-f]{64}", image), f"{each}: {image}"


def test_what_runs_and_what_migrates_is_one_release():
    for environment in ("dev", "production"):
        migrated = {
            each.service: (each.app["image"], each.labels["app.kubernetes.io/version"])
            for each in workloads(environment, "migrate")
        }
        assert set(migrated) == {"users", "orders", "payments"}
        for each in workloads(environment, "web", "worker"):
            ran = each.app["image"], each.labels["app.kubernetes.io/version"]
            assert ran == migrated.get(each.service, ran), each


def test_jobs_only_migrate_and_are_apart_from_what_serves():
    for overlays in ENVIRONMENTS.values():
        kinds = [{each["kind"] for each in rendered(overlay)} for overlay in overlays]
        assert "Job" not in kinds[0] | kinds[2] and kinds[1] == {"Job"}
    for each in of_all("migrate"):
        assert each.app["args"] == ["migrate"] and each.pod["restartPolicy"] == "Never", each
        assert each.object["spec"]["activeDeadlineSeconds"] <= 3600, each
