"""What the services' own documents say: the settings that each has."""

import re

from rendering import ROOT

TABLES = {
    "gateway": "gateway/README.md",
    "users": "users/README.md",
    "orders": "orders/README.md",
    "payments": "payments/README.md",
    "sandbox": "payments/src/sandbox/README.md",
}
_row = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]+) \|", re.MULTILINE)


def settings_of(service: str) -> dict[str, str]:
    """Return the defaults of a service's settings by name, "required" or "empty" among them; the services' own tests
    hold these tables against their code."""
    rows = _row.findall((ROOT / TABLES[service]).read_text())
    prefix = f"{service.upper()}_"
    found = {name: default.strip().strip("`") for name, default in rows if name.startswith(prefix)}
    assert found, f"{TABLES[service]} has no table of settings"
    return found
