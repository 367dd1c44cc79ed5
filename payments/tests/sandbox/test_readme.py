"""The README names every setting and every payment method."""

from pathlib import Path

import sandbox
from chassis.settings import table
from sandbox.methods import METHODS
from sandbox.settings import Settings

README = Path(sandbox.__file__).with_name("README.md").read_text()


def test_the_readme_has_the_table_of_settings():
    assert table(Settings, "SANDBOX_") in README


def test_the_readme_says_what_each_payment_method_does():
    for method in METHODS:
        assert f"| `{method}` |" in README
