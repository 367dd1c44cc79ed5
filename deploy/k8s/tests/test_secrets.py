"""Secrets are in no file here: pods name Secrets, ExternalSecrets make them, databases give each role its own."""

import re

import pytest
from rendering import ENVIRONMENTS, objects, of_all, workloads
from test_settings import secret_keys

SECRET = re.compile("PASSWORD|SECRET|API_KEY|DB_URL|OWNER_URL|NATS_URL")
MADE_BY_THE_DATABASE = re.compile(r"(users|orders|payments)-db-ca")
MADE_BY_AN_OPERATOR = re.compile(r"(users|orders|payments)-db-ca|(gateway|users|orders|payments)-inside")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_secret_is_rendered(environment):
    assert not objects(environment, "Secret")


def test_what_is_secret_comes_from_a_secret():
    for each in of_all():
        for one in each.app.get("env", []):
            if SECRET.search(one["name"]):
                assert set(one["valueFrom"]) == {"secretKeyRef"}, f"{each}: {one['name']}"
        told = [name for name, value in each.settings().items() if value is not None and SECRET.search(name)]
        assert not told, f"{each}: {told}"


def test_every_secret_that_a_pod_names_is_made_with_that_key():
    for each in of_all():
        for one in each.app.get("env", []):
            if reference := one.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["key"] in secret_keys(each.environment, reference["name"]), (
                    f"{each}: {one['name']}"
                )
        for volume in each.pod["volumes"]:
            if "secret" in volume and not MADE_BY_AN_OPERATOR.fullmatch(volume["secret"]["secretName"]):
                assert secret_keys(each.environment, volume["secret"]["secretName"]), each


def test_a_variable_is_the_member_of_a_secret_that_it_is_named_after():
    for each in of_all():
        for one in each.app.get("env", []):
            if reference := one.get("valueFrom", {}).get("secretKeyRef"):
                said = one["name"].lower().replace("_", "-")
                assert said.endswith(reference["key"].removesuffix("s")) or said.endswith(reference["key"]), (
                    one
                )


def test_of_a_database_authority_pods_see_the_certificate_and_not_its_key():
    for each in of_all("web", "worker", "migrate"):
        for volume in each.pod["volumes"]:
            if "secret" in volume and MADE_BY_THE_DATABASE.fullmatch(volume["secret"]["secretName"]):
                assert volume["secret"]["secretName"] == f"{each.service}-db-ca", each
                assert [one["key"] for one in volume["secret"]["items"]] == ["ca.crt"], each


def test_files_of_secrets_can_be_read_by_the_group_of_the_pod_and_written_by_nobody():
    for each in of_all():
        for volume in each.pod["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o440, each
                context = each.pod["securityContext"]
                assert context["fsGroup"] == context["runAsGroup"], each


def test_each_address_of_a_database_is_the_one_of_its_role():
    roles = {"_DB_URL": "runtime", "_DB_OWNER_URL": "owner"}
    for each in of_all("web", "worker", "migrate"):
        for one in each.app.get("env", []):
            if role := roles.get(one["name"].removeprefix(each.service.upper())):
                wanted = {"name": f"{each.service}-db-{role}", "key": "url"}
                assert one["valueFrom"]["secretKeyRef"] == wanted, each


def test_a_service_names_no_secret_of_another():
    for each in of_all("web", "worker", "migrate"):
        for one in each.app.get("env", []):
            if reference := one.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["name"].startswith(f"{each.service}-"), f"{each}: {one['name']}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_role_reaches_its_own_database_over_verified_tls(environment):
    for service in ("users", "orders", "payments"):
        for role in ("owner", "runtime"):
            [secret] = [
                one
                for one in objects(environment, "ExternalSecret")
                if one["metadata"]["name"] == f"{service}-db-{role}"
            ]
            template = secret["spec"]["target"]["template"]
            assert template["type"] == "kubernetes.io/basic-auth"
            assert template["data"]["username"] == f"{service}_{role}"
            assert template["data"]["url"] == (
                f"postgresql://{service}_{role}:{{{{ .password | urlquery }}}}@{service}-db-rw:5432/{service}"
                "?sslmode=verify-full&sslrootcert=/etc/souk/db-ca/ca.crt"
            )
    for each in workloads(environment, "web", "worker", "migrate"):
        if each.service != "gateway":
            assert "/etc/souk/db-ca" in {one["mountPath"] for one in each.app["volumeMounts"]}, each


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_roles_of_a_database_are_two_with_a_password_each(environment):
    clusters = {one["metadata"]["name"]: one["spec"] for one in objects(environment, "Cluster")}
    assert set(clusters) == {"users-db", "orders-db", "payments-db"}
    for name, spec in clusters.items():
        service = name.removesuffix("-db")
        made = spec["bootstrap"]["initdb"]
        assert (made["database"], made["owner"]) == (service, f"{service}_owner")
        assert made["secret"] == {"name": f"{service}-db-owner"}
        assert made["postInitApplicationSQL"][0] == f"CREATE ROLE {service}_runtime LOGIN"
        [role] = spec["managed"]["roles"]
        assert role["name"] == f"{service}_runtime" and role["passwordSecret"] == {
            "name": f"{service}-db-runtime"
        }
        assert not (role["superuser"] or role["createdb"] or role["createrole"])
        assert spec["enableSuperuserAccess"] is False


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_secrets_come_from_the_store_of_the_environment(environment):
    store = "souk-dev" if environment == "dev" else "souk"
    for one in objects(environment, "ExternalSecret"):
        assert one["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": store}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_secret_is_made_of_its_own_services_entry_and_of_the_member_it_is_named_after(environment):
    for one in objects(environment, "ExternalSecret"):
        name = one["metadata"]["name"]
        service, _, what = name.partition("-")
        for each in one["spec"]["data"]:
            entry, member = each["remoteRef"]["key"], each["remoteRef"]["property"]
            shared = {"trust-bundle.json": "souk-trust"}.get(member)
            assert entry == (shared or ("souk-nats" if "nats" in name else f"souk-{service}")), name
            assert member.endswith(each["secretKey"]), name
            assert not what.startswith("db-") or member.startswith(what), name
