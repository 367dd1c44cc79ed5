"""Fixtures of the unit tests: the example service, and what it logs."""

import io
import json
from collections.abc import Callable

import example
import pytest

from chassis import logs


@pytest.fixture
def built() -> example.Example:
    return example.build()


@pytest.fixture
def log_lines(built) -> Callable[[], list[dict]]:
    """Return a function that gives all log lines since the test began."""
    stream = io.StringIO()
    logs.configure("boxes", "DEBUG", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
