import json
from pathlib import Path

from chassis.settings import table
from users.events import ORDERS, PAYMENTS
from users.settings import PREFIX, AdminSettings

SERVICE = Path(__file__).parents[2]
README = SERVICE.joinpath("README.md").read_text()


def test_each_setting_is_in_the_readme_with_its_default():
    rows = [row.rpartition(" | ")[0] for row in table(AdminSettings, PREFIX).splitlines()]
    assert [row for row in rows if row not in README] == []


def test_each_operation_is_in_the_readme():
    paths = json.loads(SERVICE.joinpath("openapi.json").read_text())["paths"]
    operations = [f"`{method.upper()} {path}`" for path, methods in paths.items() for method in methods]
    assert [operation for operation in operations if operation not in README] == []


def test_each_event_is_in_the_readme():
    sent = json.loads(SERVICE.joinpath("events.json").read_text())
    assert [name for name in (*sent, *ORDERS, *PAYMENTS) if f"`{name}`" not in README] == []
