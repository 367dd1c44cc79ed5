"""The databases of a cluster have the roles that they have everywhere: libs/chassis/src/chassis/sql/roles.sql."""

import pytest
from rendering import ENVIRONMENTS, ROOT, objects

RIGHTS = ROOT / "libs/chassis/src/chassis/sql/roles.sql"


def statements(service):
    """Return the statements of that file, for a service."""
    text = " ".join(line for line in RIGHTS.read_text().splitlines() if not line.startswith("--"))
    for name, value in {
        "database": service,
        "owner": f"{service}_owner",
        "runtime": f"{service}_runtime",
    }.items():
        text = text.replace(f":{name}", value)
    return [each.strip() for each in text.split(";") if each.strip()]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_database_gives_its_runtime_role_the_rights_of_every_deployment(environment):
    clusters = objects(environment, "Cluster")
    assert len(clusters) == 3
    for each in clusters:
        made = each["spec"]["bootstrap"]["initdb"]
        service = made["database"]
        assert made["owner"] == f"{service}_owner"
        assert made["postInitApplicationSQL"] == [
            f"CREATE ROLE {service}_runtime LOGIN",
            *statements(service),
        ]
