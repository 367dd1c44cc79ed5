"""Routes whose answers are kept: what the route file may say of them."""

import pytest

from gateway.route_file import RoutesError, load

ROUTE = '[[route]]\npath = "/a"\nmethods = ["GET"]\nupstream = "users"\npolicy = "public"\ncache = true\n'


@pytest.fixture
def routes_of(tmp_path):
    def load_text(text):
        file = tmp_path / "routes.toml"
        file.write_text(text)
        return load(file, {"users"}, deadline_seconds=10, body_max_bytes=65536)

    return load_text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ROUTE.replace("public", "user"), "cache is for public routes"),
        (ROUTE.replace("public", "admin"), "cache is for public routes"),
        (ROUTE.replace('"GET"', '"GET", "POST"'), "cache is for GET alone"),
        (ROUTE.replace('"GET"', '"PUT"'), "cache is for GET alone"),
        (ROUTE + "stream_seconds = 5\n", "cache is not for streams"),
        (ROUTE + 'forward = ["cookie"]\n', "cache is not for what forwards one client's own"),
        (ROUTE.replace("true", '"yes"'), "cache cannot be 'yes'"),
    ],
)
def test_only_what_is_the_same_for_all_may_be_kept(routes_of, text, complaint):
    with pytest.raises(RoutesError) as refusal:
        routes_of(text)
    assert refusal.value.lines == [f"line 6, route 1 (/a): {complaint}"]


def test_a_service_sees_nothing_that_is_one_clients_own(routes_of):
    common = 'forward = ["accept", "cookie", "content-type", "if-none-match", "if-modified-since"]\n'
    route = routes_of(common + ROUTE + 'forward = ["accept-language"]\n').match("GET", "/a")
    assert route.cache and set(route.shared_forward) == {b"accept", b"accept-language"}


def test_without_the_key_nothing_is_kept(routes_of):
    assert not routes_of(ROUTE.replace("true", "false")).match("GET", "/a").cache
    assert (
        not routes_of(ROUTE.replace("cache = true\n", "").replace("public", "user")).match("GET", "/a").cache
    )
