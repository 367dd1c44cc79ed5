"""The route file: what a broken one is told, and on which line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.route_file import RoutesError, load

UPSTREAMS = {"users": "", "orders": "", "payments": ""}
ROUTE = '[[route]]\npath = "/a"\nmethods = ["GET"]\nupstream = "users"\npolicy = "public"\n'
WHERE = "route 1 (/a): "

BROKEN = {
    "": "there is no route in it",
    "route = 3\n": "there is no route in it",
    "# first\n[[route": "line 2: Expected ']]' at the end of an array declaration",
    ROUTE + "a = " + "[" * 3000: "it is nested too deeply",
    ROUTE.replace('policy = "public"\n', ""): f"line 1, {WHERE}policy is missing",
    ROUTE.replace('upstream = "users"\n', ""): f"line 1, {WHERE}upstream is missing",
    ROUTE.replace("public", "everyone"): f"line 5, {WHERE}policy cannot be 'everyone'",
    ROUTE.replace("users", "billing"): f"line 4, {WHERE}upstream is none of orders, payments, users",
    ROUTE.replace('"users"', '["users"]'): f"line 4, {WHERE}upstream cannot be ['users']",
    ROUTE.replace('["GET"]', '["GRAB"]'): f"line 3, {WHERE}methods cannot be ['GRAB']",
    ROUTE.replace('["GET"]', '[["GET"]]'): f"line 3, {WHERE}methods cannot be [['GET']]",
    ROUTE.replace('["GET"]', '"GET"'): f"line 3, {WHERE}methods cannot be 'GET'",
    ROUTE.replace('["GET"]', "[]"): f"line 3, {WHERE}methods cannot be []",
    ROUTE.replace('"/a"', '"/a//b"'): "line 2, route 1 (/a//b): path cannot be '/a//b'",
    ROUTE.replace('"/a"', '"/a/"'): "line 2, route 1 (/a/): path cannot be '/a/'",
    ROUTE + "polcy = 1\n": f"line 6, {WHERE}polcy is not known",
    ROUTE + "deadline_seconds = 0\n": f"line 6, {WHERE}deadline_seconds cannot be 0",
    ROUTE + "body_max_bytes = true\n": f"line 6, {WHERE}body_max_bytes cannot be True",
    ROUTE + "body_max_bytes = inf\n": f"line 6, {WHERE}body_max_bytes cannot be inf",
    ROUTE + 'forward = ["authorization"]\n': f"line 6, {WHERE}forward cannot be ['authorization']",
    ROUTE + 'forward = ["x-forwarded-for"]\n': f"line 6, {WHERE}forward cannot be ['x-forwarded-for']",
    ROUTE + 'forward = ["X_User_Id"]\n': f"line 6, {WHERE}forward cannot be ['X_User_Id']",
    ROUTE + 'errors = "html"\n': f"line 6, {WHERE}errors cannot be 'html'",
    ROUTE.replace("public", "user") + 'token = "ignored"\n': f"line 6, {WHERE}token is for public routes",
    "\n" + ROUTE + ROUTE.replace('"GET"', '"POST", "HEAD"'): "line 9, route 2 (/a): there are two of HEAD",
    ROUTE.replace("/a", "/a/{id}") + ROUTE.replace("/a", "/a/{sku}").replace("GET", "HEAD"): (
        "line 8, route 2 (/a/{sku}): there are two of HEAD"
    ),
    'forward = ["cookie", "host"]\n' + ROUTE: "forward has what may not go through",
    "rate = 1\n" + ROUTE: "rate is not known",
    'route = [{path = "/a", methods = ["GET"], upstream = "users"}]\n': f"{WHERE}policy is missing",
    ROUTE + '[[route]] # b\n\n"path" = "/b"\n': "line 6, route 2 (/b): methods is missing",
}


def routes_of(path, text=None):
    if text is not None:
        path.write_text(text)
    return load(path, UPSTREAMS, deadline_seconds=10, body_max_bytes=65536)


@pytest.mark.parametrize(("text", "complaint"), BROKEN.items())
def test_a_broken_route_file_is_refused_with_the_line_and_the_reason(tmp_path, text, complaint):
    with pytest.raises(RoutesError) as refusal:
        routes_of(tmp_path / "routes.toml", text)
    assert refusal.value.lines[0].startswith(complaint)


def test_a_missing_route_file_is_refused(tmp_path):
    with pytest.raises(RoutesError):
        routes_of(tmp_path / "none.toml")


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    wrong = ROUTE.replace("public", "x") + ROUTE.replace("users", "y").replace("/a", "/b")
    with pytest.raises(RoutesError) as refusal:
        routes_of(tmp_path / "routes.toml", wrong)
    assert [line.partition(":")[0] for line in refusal.value.lines] == [
        "line 5, route 1 (/a)",
        "line 9, route 2 (/b)",
    ]


def test_a_header_inside_a_text_misleads_nobody(tmp_path):
    text = ROUTE + "policies = '''\n[[route]]\n'''\n"
    with pytest.raises(RoutesError) as refusal:
        routes_of(tmp_path / "routes.toml", text)
    assert refusal.value.lines == ["route 1 (/a): policies is not known"]


VALUES = st.recursive(
    st.sampled_from(
        ['"GET"', '"/a"', '"users"', '"public"', "1", "-1", "inf", "nan", "true", '""', "2026-11-20"]
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
    max_leaves=4,
)
KEYS = st.sampled_from(
    [
        "path",
        "methods",
        "upstream",
        "policy",
        "token",
        "errors",
        "forward",
        "deadline_seconds",
        "body_max_bytes",
    ]
)


@settings(deadline=None)
@given(entry=st.dictionaries(KEYS, VALUES))
def test_whatever_a_route_holds_is_taken_or_refused(tmp_path_factory, entry):
    text = "[[route]]\n" + "".join(f"{key} = {value}\n" for key, value in entry.items())
    try:
        routes = routes_of(tmp_path_factory.getbasetemp() / "any.toml", text)
    except RoutesError as refusal:
        assert all(line.startswith("line ") for line in refusal.lines)
    else:
        assert len(routes.all) == 1
