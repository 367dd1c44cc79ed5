"""What a service's Flask leaves out, and what it must not."""

import pytest

from chassis.lean_flask import LeanFlask


@pytest.fixture
def client():
    app = LeanFlask("boxes", static_folder=None)
    app.add_url_rule("/boxes/<name>", view_func=lambda name: name)
    return app.test_client()


def test_a_route_is_found_whatever_host_and_prefix_are_told(client):
    answer = client.get("/boxes/blue", headers={"Host": "shop.example:8443", "X-Forwarded-Prefix": "/shop"})
    assert (answer.status_code, answer.text) == (200, "blue")


def test_a_path_is_read_as_utf_8(client):
    assert client.get("/boxes/bl%C3%A5").text == "bl\u00e5"


def test_no_cookie_comes_of_a_request(client):
    assert "Set-Cookie" not in client.get("/boxes/blue", headers={"Cookie": "session=x"}).headers
