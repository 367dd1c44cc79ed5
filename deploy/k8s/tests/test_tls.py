"""TLS inside: each process has a certificate of the namespace's authority that names it; nothing is said plainly."""

import pytest
import yaml
from rendering import ENVIRONMENTS, FOLDER, named, objects, of_all, workloads

SERVICES = ("users", "orders", "payments")
FILES = {"CERTIFICATE": "tls.crt", "KEY": "tls.key", "AUTHORITY": "ca.crt"}
VALUES = yaml.safe_load((FOLDER / "nats" / "values.yaml").read_text())


def test_every_process_is_told_of_its_own_certificate():
    for each in of_all("web", "worker"):
        volumes = {one["name"]: one for one in each.pod["volumes"]}
        (mount,) = [one for one in each.app["volumeMounts"] if one["mountPath"] == "/etc/souk/tls"]
        # The whole folder: a single file of it would stay what it was when cert-manager renews.
        assert set(mount) == {"name", "mountPath", "readOnly"}, each
        assert volumes[mount["name"]]["secret"] == {
            "secretName": f"{each.service}-inside",
            "defaultMode": 0o440,
        }, each
        for kind, name in FILES.items():
            variable = f"{each.service.upper()}_TLS_{kind}_FILE"
            assert each.settings()[variable] == f"/etc/souk/tls/{name}", each


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_certificate_names_its_service_and_is_renewed_in_time(environment):
    authority = named(environment, "Certificate", "authority-inside")["spec"]
    assert authority["isCA"] and named(environment, "Issuer", "inside")["spec"] == {
        "ca": {"secretName": authority["secretName"]}
    }
    for name in ("gateway", *SERVICES, "nats"):
        spec = named(environment, "Certificate", f"{name}-inside")["spec"]
        assert (spec["secretName"], spec["dnsNames"][0]) == (f"{name}-inside", name)
        assert spec["issuerRef"] == {"group": "cert-manager.io", "kind": "Issuer", "name": "inside"}
        assert {"server auth", "client auth"} < set(spec["usages"])
        assert spec["privateKey"]["rotationPolicy"] == "Always"
        assert int(spec["renewBefore"].split("h")[0]) * 3 <= int(spec["duration"].split("h")[0])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_service_admits_those_whom_the_network_lets_in(environment):
    for each in workloads(environment, "web"):
        if each.service in SERVICES:
            policy = named(environment, "NetworkPolicy", each.service)["spec"]["ingress"]
            callers = {
                one["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                for rule in policy
                for one in rule["from"]
                if "podSelector" in one
            }
            assert set(each.settings()[f"{each.service.upper()}_TLS_PEERS"].split(",")) == callers, each


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_database_refuses_who_speaks_plainly(environment):
    for cluster in objects(environment, "Cluster"):
        assert cluster["spec"]["postgresql"]["pg_hba"] == ["hostnossl all all all reject"]


def test_the_broker_asks_for_certificates_before_it_says_anything():
    assert VALUES["tlsCA"] == {"enabled": True, "secretName": "nats-inside"}
    tls = VALUES["config"]["nats"]["tls"]
    assert (tls["enabled"], tls["secretName"]) == (True, "nats-inside")
    assert tls["merge"] == {"verify": True, "handshake_first": True}
    routes = VALUES["config"]["cluster"]["tls"]
    assert (routes["enabled"], routes["merge"]) == (True, {"verify": True})
    assert "*.nats-headless" in named("production", "Certificate", "nats-inside")["spec"]["dnsNames"]
