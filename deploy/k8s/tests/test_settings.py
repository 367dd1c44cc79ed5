"""Each variable is a setting of its service, what a service needs is given, and what a value points to is there."""

import shutil
from urllib.parse import urlsplit

import pytest
from documents import settings_of
from rendering import ENVIRONMENTS, FOLDER, named, objects, of_all, render, workloads

CONFIGURED = ("web", "worker", "migrate", "provider")


def test_every_variable_is_a_setting_of_the_service():
    for each in of_all(*CONFIGURED):
        unknown = set(each.settings()) - set(settings_of(each.service))
        assert not unknown, f"{each}: {unknown}"


def test_every_setting_without_a_default_is_given():
    for each in of_all("web", "worker", "provider"):
        required = {name for name, default in settings_of(each.service).items() if default == "required"}
        assert required <= set(each.settings()), each


def test_the_owner_of_a_database_is_known_to_its_migration_alone():
    for each in of_all():
        owners = [name for name in each.settings() if name.endswith("_DB_OWNER_URL")]
        assert bool(owners) == (each.component == "migrate"), each
        if each.component == "migrate":
            assert set(each.settings()) == {f"{each.service.upper()}_DB_OWNER_URL"}, each


def test_the_broker_is_known_to_workers_alone():
    for each in of_all("web", "worker"):
        told = any(name.endswith("_NATS_URL") for name in each.settings())
        assert told == (each.component == "worker"), each


def test_a_release_is_named_by_the_label_of_its_version():
    for each in of_all("web", "worker"):
        [release] = [one for one in each.app["env"] if one["name"] == f"{each.service.upper()}_RELEASE"]
        assert release["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['app.kubernetes.io/version']"
        assert each.labels["app.kubernetes.io/version"], each


def mounted(workload):
    """Return the files that a pod finds in its volumes."""
    volumes = {one["name"]: one for one in workload.pod["volumes"]}
    found = set()
    for mount in workload.app["volumeMounts"]:
        volume = volumes[mount["name"]]
        if secret := volume.get("secret"):
            chosen = [one["path"] for one in secret.get("items", [])]
            names = chosen or keys_of(workload.environment, secret["secretName"])
        elif folder := volume.get("configMap"):
            names = list(named(workload.environment, "ConfigMap", folder["name"])["data"])
        else:
            continue
        found |= {f"{mount['mountPath']}/{name}" for name in names}
    return found


def keys_of(environment, name):
    """Return the keys of a Secret, whoever makes it."""
    made = {one["spec"]["secretName"] for one in objects(environment, "Certificate")}
    return ["tls.crt", "tls.key", "ca.crt"] if name in made else secret_keys(environment, name)


def secret_keys(environment, name):
    """Return the keys of a Secret that an ExternalSecret makes."""
    spec = named(environment, "ExternalSecret", name)["spec"]
    assert spec["target"]["name"] == name
    written = spec["target"].get("template", {}).get("data")
    return list(written) if written else [one["secretKey"] for one in spec["data"]]


def test_every_file_that_a_setting_names_is_mounted():
    for each in of_all("web", "worker"):
        for name, value in each.settings().items():
            if value and value.startswith("/etc/"):
                assert value in mounted(each), f"{each}: {name}={value}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_addresses_inside_the_cluster_are_services_with_that_port(environment):
    ports = {
        one["metadata"]["name"]: {port["port"] for port in one["spec"]["ports"]}
        for one in objects(environment, "Service")
    }
    for each in workloads(environment, "web", "worker", "provider"):
        for name, value in each.settings().items():
            address = urlsplit(value or "")
            if address.scheme and (address.port or address.scheme != "https"):
                assert address.port in ports.get(address.hostname, ()), f"{each}: {name}={value}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_shop_has_one_public_name(environment):
    [ingress] = objects(environment, "Ingress")
    certificate = named(environment, "Certificate", "gateway")
    host = ingress["spec"]["rules"][0]["host"]
    assert ingress["spec"]["tls"] == [{"hosts": [host], "secretName": certificate["spec"]["secretName"]}]
    assert certificate["spec"]["dnsNames"] == [host]
    issuers = {
        value
        for each in workloads(environment, "web", "worker")
        for name, value in each.settings().items()
        if name.endswith("_TOKEN_ISSUER")
    }
    assert issuers == {f"https://{host}"}


def test_processes_are_told_of_a_collector_where_an_overlay_takes_tracing(tmp_path):
    for part in ("base", "overlays"):
        shutil.copytree(FOLDER / part, tmp_path / part)
    overlay = tmp_path / "overlays" / "production" / "shop"
    file = overlay / "kustomization.yaml"
    file.write_text(file.read_text().replace("components: [", "components: [../../../base/tracing, "))
    told = {
        one["metadata"]["name"]
        for one in render(overlay)
        if one["kind"] == "Deployment"
        for variable in one["spec"]["template"]["spec"]["containers"][0].get("env", ())
        if variable["name"] == "OTEL_EXPORTER_OTLP_ENDPOINT" and variable["value"].endswith(":4318")
    }
    assert told == {each.name for each in workloads("production", "web", "worker")}
