"""The strict reading of request targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.target import MalformedTarget, read_path

PLAIN = {
    b"/": "/",
    b"/api/v1/orders": "/api/v1/orders",
    b"/api/v1/orders?limit=20&cursor=AbC_-d": "/api/v1/orders",
    b"/api/v1/orders?": "/api/v1/orders",
    b"/api/v1/orders?q=a%20b%C3%A9&r=/x?y": "/api/v1/orders",
    b"/.well-known/jwks.json": "/.well-known/jwks.json",
    b"/a.b..c/...": "/a.b..c/...",
    b"/api/v1/orders/": "/api/v1/orders/",
    b"/~user/a:b@c,d;".rstrip(b";"): "/~user/a:b@c,d",
}

ODD = [
    b"",
    b"*",
    b"api",
    b"?a=b",
    b"//",
    b"//api/v1/orders",
    b"/api//v1/orders",
    b"/api/v1/orders//",
    b"/api/../livez",
    b"/api/./v1",
    b"/..",
    b"/.",
    b"/api/v1/..",
    b"/api/v1/.",
    b"/api/%2e%2e/livez",
    b"/api/.%2E/livez",
    b"/api/v1/orders%2F1",
    b"/api/v1/orders%2f..%2flivez",
    b"/api/v1/orders%5c1",
    b"/api/v1/orders/%00",
    b"/api/v1/orders/%252e",
    b"/api/v1/users/%6de",
    b"/api/v1/orders/%",
    b"/api/v1/orders/%zz",
    b"/api/v1/orders;jsessionid=1",
    b"/api/v1;/orders",
    b"/api/v1\\orders",
    b"/api\\..\\livez",
    b"http://127.0.0.1/livez",
    b"http:/livez",
    b"HTTP://evil/api/v1/orders",
    b"/api/v1/orders#a",
    b"/api/v1/orders?a#b",
    b"/api/v1/caf\xc3\xa9",
    b"/api/v1/orders?q=\xc3\xa9",
    b"/api/v1/orders?q=%00",
    b"/api/v1/orders?q=%0",
    b"/api/v1/orders?q=%gg",
    b"/api/v1/orders?q=a b",
    b"/api/v1/orders?q=a\\b",
    b"/api/v1/orders\n",
    b"/api/v1/orders\x7f",
    b"/api/v1/orders/\t",
    b"/api/v1/<script>",
]


@pytest.mark.parametrize("target", PLAIN)
def test_a_plain_target_is_read(target):
    assert read_path(target) == PLAIN[target]


@pytest.mark.parametrize("target", ODD)
def test_an_odd_target_is_refused(target):
    with pytest.raises(MalformedTarget):
        read_path(target)


@given(st.lists(st.sampled_from([b"/", b"..", b".", b"%2e", b"a", b";", b"\\", b"%2f", b"\x00", b"?", b"#"])))
def test_what_is_read_means_one_thing_only(parts):
    target = b"/" + b"".join(parts)
    try:
        path = read_path(target)
    except MalformedTarget:
        return
    assert target.partition(b"?")[0] == path.encode()
    assert not {"..", "."} & set(path.split("/"))
    assert "//" not in path and not set("%;\\\x00#") & set(path)
