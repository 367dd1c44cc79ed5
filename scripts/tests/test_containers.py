"""What deploy/compose.yaml promises, asked of docker compose itself; it needs the client only, and no engine."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack.containers import Containers, passwords
from stack.places import DATABASES

ROOT = Path(__file__).resolve().parents[2]


def render(state: Path, overlay: str = "", *, tls: bool = False) -> dict[str, Any]:
    """Return what docker compose makes of the files; skips the test where there is none."""
    if shutil.which("docker") is None:
        pytest.skip("there is no docker on this machine")
    stack = Containers(ROOT, state, overlay=overlay, tls=tls)
    command = stack.command("--profile", "first-start", "config", "--format", "json")
    ran = subprocess.run(command, env=stack.environment(), capture_output=True, text=True)
    if "is not a docker command" in ran.stderr or "unknown" in ran.stderr:
        pytest.skip("this docker has no compose")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return render(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def overlaid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return render(tmp_path_factory.mktemp("state"), "telemetry")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return render(tmp_path_factory.mktemp("state"), tls=True)


def test_every_process_has_no_rights_and_a_limit(rendered):
    for name, service in rendered["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) <= 320 * 2**20, name
        assert service["user"].replace(":", "").isdigit(), name
        assert (service["user"].startswith("0:"), service.get("cap_add")) == (
            (True, ["CHOWN"]) if name == "volumes" else (False, None)
        ), name


def test_no_port_but_the_gateways_is_published(rendered):
    published = {name for name, service in rendered["services"].items() if service.get("ports")}
    assert published == {"gateway"}
    assert rendered["services"]["gateway"]["ports"][0]["host_ip"] == "127.0.0.1"


def test_each_of_several_gateways_is_given_a_port(tmp_path):
    one = Containers(ROOT, tmp_path, gateway_port=8080)
    three = Containers(ROOT, tmp_path, gateway_port=8080, last_port=8082)
    assert [each.environment()["GATEWAY_PORT"] for each in (one, three)] == ["8080", "8080-8082"]
    assert [len(each.ports) for each in (one, three)] == [1, 3]


def test_who_stops_serves_on_until_the_gateway_has_seen_it(rendered):
    for name in ("gateway", *DATABASES):
        service = rendered["services"][name]
        assert float(service["environment"][f"{name.upper()}_SHUTDOWN_LINGER_SECONDS"]) >= 5, name
        assert service["stop_grace_period"] == "20s", name


@pytest.mark.parametrize("name", DATABASES)
def test_a_database_is_reached_by_its_own_service_alone(rendered, name):
    members = {
        other
        for other, service in rendered["services"].items()
        if f"{name}-db" in service.get("networks", {})
    }
    jobs = {"users": {"admin"}, "orders": {"catalogue"}, "payments": set()}
    assert members == {name, f"{name}-worker", f"{name}-migrate", f"{name}-db"} | jobs[name]
    assert set(rendered["services"][f"{name}-db"]["networks"]) == {f"{name}-db"}
    assert rendered["networks"][f"{name}-db"]["internal"] is True


def test_only_workers_meet_the_broker(rendered):
    members = {
        name for name, service in rendered["services"].items() if "events" in service.get("networks", {})
    }
    assert members == {"nats", *(f"{name}-worker" for name in DATABASES)}


@pytest.mark.parametrize("name", DATABASES)
def test_the_owners_password_is_told_to_migrations_and_the_database_only(rendered, name):
    holders = {
        other
        for other, service in rendered["services"].items()
        for secret in service.get("secrets", ())
        if secret["source"].startswith(f"{name}-owner")
    }
    assert holders == {f"{name}-migrate", f"{name}-db"}


def test_a_service_waits_for_its_migrations(rendered):
    for name in DATABASES:
        for process in (name, f"{name}-worker"):
            waits = rendered["services"][process]["depends_on"][f"{name}-migrate"]
            assert waits["condition"] == "service_completed_successfully"


def test_no_secret_is_in_a_variable(rendered):
    secret_words = ("password", "api_key", "secret", "db_url", "owner_url", "nats_url", "signing_key")
    for name, service in rendered["services"].items():
        for variable in service.get("environment", {}):
            if any(word in variable.lower() for word in secret_words):
                assert variable.endswith("_FILE"), f"{name}: {variable}"


def test_each_role_has_a_password_of_its_own_and_its_address_holds_it():
    made = passwords()
    for name in DATABASES:
        for role in ("owner", "runtime"):
            password = made[f"{name}-{role}-password"]
            assert made[f"{name}-{role}-url"] == f"postgresql://{name}_{role}:{password}@{name}-db/{name}"
    own = [text for name, text in made.items() if name.endswith("-password")]
    assert len(set(own)) == len(own)


def test_the_overlay_of_telemetry_changes_nothing_but_where_processes_tell_of_themselves(rendered, overlaid):
    told = {"gateway", *DATABASES, *(f"{name}-worker" for name in DATABASES)}
    for name, before in rendered["services"].items():
        after = overlaid["services"][name]
        own = {"OTEL_EXPORTER_OTLP_ENDPOINT", "GATEWAY_TRACE_SHARE"} if name in told else set()
        assert set(after.get("environment", {})) - set(before.get("environment", {})) <= own, name
        more = set(after.get("networks", {})) - set(before.get("networks", {}))
        own_network = f"telemetry-{name.removesuffix('-worker')}"
        assert more == ({own_network} if name in told else set()), name
        assert after.get("depends_on") == before.get("depends_on"), f"{name} waits for telemetry"


def test_what_the_overlay_adds_has_no_rights_a_limit_and_its_files(rendered, overlaid):
    added = overlaid["services"].keys() - rendered["services"].keys()
    assert added == {"prometheus", "grafana", "collector", "tempo"}
    for name in added:
        service = overlaid["services"][name]
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["user"].replace(":", "").isdigit() and not service["user"].startswith("0"), name
        assert 0 < int(service["mem_limit"]) <= 2**30, name
        assert not service["image"].endswith(":latest") and ":" in service["image"], name
        ports = [one["host_ip"] for one in service.get("ports", ())]
        assert ports == (["127.0.0.1"] if name == "grafana" else []), name
        for volume in service.get("volumes", ()):
            assert volume["type"] != "bind" or Path(volume["source"]).exists(), volume["source"]


def test_the_collector_takes_traces_where_processes_send_them(overlaid):
    folder = ROOT / "deploy" / "observability" / "compose"
    port = overlaid["services"]["orders"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"].rpartition(":")[2]
    assert f"0.0.0.0:{port}" in (folder / "collector.yml").read_text()
    assert "tempo:4317" in (folder / "collector.yml").read_text()
    assert "0.0.0.0:4317" in (folder / "tempo.yml").read_text()


def test_under_tls_each_process_has_its_own_certificate_in_a_folder_that_may_change(secured):
    for name, service in secured["services"].items():
        if name in ("redis", "sandbox", "volumes"):
            continue
        owner = name if name.endswith("-db") else {"admin": "users", "catalogue": "orders"}.get(name, name)
        owner = owner.removesuffix("-worker").removesuffix("-migrate")
        (folder,) = [each for each in service["volumes"] if each["target"] == "/run/tls"]
        assert folder["source"].endswith(f"/certificates/{owner}") and folder["read_only"], name
        if not name.endswith(("-db", "-migrate")) and name != "nats":
            variables = service["environment"]
            prefix = owner.upper()
            told = [variables[f"{prefix}_TLS_{kind}_FILE"] for kind in ("CERTIFICATE", "KEY", "AUTHORITY")]
            assert told == ["/run/tls/tls.crt", "/run/tls/tls.key", "/run/tls/ca.crt"], name


@pytest.mark.parametrize("name", DATABASES)
def test_under_tls_a_database_is_certified_and_takes_nobody_without_a_certificate(secured, name):
    server = secured["services"][f"{name}-db"]
    assert {"-cssl=on", "-chba_file=/etc/souk/pg_hba.conf"} < set(server["command"])
    rules = (ROOT / "deploy" / "compose" / "pg_hba.conf").read_text().splitlines()
    assert [line.split() for line in rules if line.startswith("host")] == [
        ["host", "all", "all", "127.0.0.1/32", "trust"],
        ["hostssl", "all", "all", "all", "scram-sha-256", "clientcert=verify-ca"],
    ]
    for process in (name, f"{name}-worker", f"{name}-migrate"):
        assert secured["services"][process]["environment"]["PGSSLMODE"] == "verify-full", process


def test_under_tls_all_else_is_as_without(secured, rendered):
    for name, service in rendered["services"].items():
        other = secured["services"][name]
        assert service.get("healthcheck") == other.get("healthcheck"), name
        kept = {"networks", "secrets", "mem_limit", "user", "read_only", "cap_drop", "depends_on"}
        assert {key: service.get(key) for key in kept} == {key: other.get(key) for key in kept}, name
