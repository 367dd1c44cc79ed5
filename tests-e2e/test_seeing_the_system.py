"""What the system says of itself: its interface, and how it is."""

import re

import pytest
from shop import Client, until

SERVICES = ["users", "orders", "payments"]


@pytest.fixture
def document(anyone: Client) -> dict:
    """The document of the whole system, once every service is in it."""
    return until(lambda: whole(anyone.get("/openapi.json").json()))


def whole(document: dict) -> dict | None:
    return None if "x-missing-services" in document else document


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [(method, path, each) for path, item in document["paths"].items() for method, each in item.items()]


def test_one_document_describes_what_a_client_can_call(document):
    assert [tag["name"] for tag in document["tags"]] == SERVICES
    described = {f"{method} {path}" for method, path, _ in operations(document)}
    assert {"post /api/v1/orders", "post /api/v1/payments", "post /api/v1/auth/token"} <= described
    assert not [path for path in document["paths"] if "internal" in path]


def test_what_needs_nobody_answers_anybody_and_what_needs_a_user_does_not(document, anyone):
    plain = [
        (path, each) for method, path, each in operations(document) if method == "get" and "{" not in path
    ]
    statuses = {path: anyone.get(path).status_code for path, _ in plain}
    assert statuses == {path: 401 if each["security"] else 200 for path, each in plain}


def test_the_reference_shows_each_operation(document, anyone):
    page = anyone.get("/reference").text
    shown = set(re.findall(r'<article id="([^"]+)"', page))
    assert shown == {each["operationId"] for _, _, each in operations(document)}


def test_the_status_says_that_all_is_up_and_nothing_of_the_inside(anyone):
    view = until(lambda: (seen := anyone.get("/status.json").json())["state"] == "up" and seen)
    assert [each["name"] for each in view["services"]] == SERVICES
    # Another process of the gateway may answer this one, and see a moment later what the first saw.
    page = until(lambda: "All services are up" in (seen := anyone.get("/status").text) and seen)
    assert "127.0.0.1" not in page
