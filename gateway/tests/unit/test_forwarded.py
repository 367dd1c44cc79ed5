"""Who the client is behind trusted proxies."""

from ipaddress import ip_address, ip_network
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.forwarded import Proxies

PROXIES = Proxies([ip_network(each) for each in ("10.0.0.0/8", "2001:db8:1::/48")], "http")
NEAR = "10.0.0.1"

CLIENTS = {
    "192.0.2.7": "192.0.2.7",
    "6.6.6.6, 192.0.2.7": "192.0.2.7",
    "192.0.2.7, 10.0.0.9": "192.0.2.7",
    "6.6.6.6,192.0.2.7 , 10.1.2.3,10.0.0.9": "192.0.2.7",
    "10.0.0.8, 10.0.0.9": "10.0.0.8",
    "192.0.2.7:4711": "192.0.2.7",
    "2001:DB8::0:7": "2001:db8::7",
    "[2001:db8::7]:4711": "2001:db8::7",
    "192.0.2.7, 2001:db8:1::5": "192.0.2.7",
    "::ffff:192.0.2.7": "192.0.2.7",
    "192.0.2.7, ::ffff:10.0.0.9": "192.0.2.7",
    "nonsense, 192.0.2.7": "192.0.2.7",
}
MALFORMED = [
    *("", ",", "nonsense", "192.0.2.7, ", "192.0.2.7, nonsense", "nonsense, 10.0.0.9", "unknown", "_hidden"),
    *(
        "192.0.2.256",
        "192.0.2",
        "192.0.2.07",
        "[2001:db8::7",
        "2001:db8::7]:1",
        "2001:db8::g",
        "fe80::1%eth0",
    ),
    *("192.0.2.7; 10.0.0.9", '"192.0.2.7"', "192.0.2.7:port", "1" * 5000, "10.0.0.9," * 200),
]


def recognised(*fields, peer=NEAR):
    request = SimpleNamespace(
        peer=peer, fields=[(name.encode(), value.encode("latin-1")) for name, value in fields]
    )
    scheme = PROXIES.recognise(request)
    return request.peer, scheme


@pytest.mark.parametrize(("said", "client"), CLIENTS.items())
def test_the_client_is_the_rightmost_who_is_no_trusted_proxy(said, client):
    assert recognised(("x-forwarded-for", said)) == (client, "http")


@pytest.mark.parametrize("said", MALFORMED)
def test_of_what_is_malformed_nothing_is_believed(said):
    assert recognised(("x-forwarded-for", said)) == (NEAR, "http")


def test_several_lines_are_read_as_one_list():
    assert (
        recognised(("x-forwarded-for", "6.6.6.6, 192.0.2.7"), ("x-forwarded-for", "10.0.0.9"))[0]
        == "192.0.2.7"
    )


@pytest.mark.parametrize(
    ("said", "scheme"),
    {"https": "https", "http": "http", "https, http": "http", "ftp": "http", "": "http"}.items(),
)
def test_the_scheme_is_one_of_two(said, scheme):
    assert recognised(("x-forwarded-proto", said)) == (NEAR, scheme)


def test_two_schemes_are_none():
    assert recognised(("x-forwarded-proto", "https"), ("x-forwarded-proto", "https"))[1] == "http"


@pytest.mark.parametrize("peer", ["192.0.2.1", "11.0.0.1", "2001:db8::1", ""])
def test_nobody_else_is_believed(peer):
    assert recognised(("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), peer=peer) == (
        peer,
        "http",
    )


@pytest.mark.parametrize("peer", ["10.9.9.9", "::ffff:10.9.9.9", "2001:db8:1::9"])
def test_a_trusted_proxy_is_known_in_every_spelling(peer):
    assert recognised(("x-forwarded-for", "192.0.2.7"), peer=peer)[0] == "192.0.2.7"


def test_without_proxies_nobody_is_believed():
    request = SimpleNamespace(
        peer=NEAR, fields=[(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-proto", b"http")]
    )
    assert Proxies([], "https").recognise(request) == "https" and request.peer == NEAR


NEAR_MISSES = st.text("0123456789abcdef:.,[] ", max_size=60)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=60) | NEAR_MISSES)
def test_whatever_is_said_the_client_is_an_address(said):
    ip_address(recognised(("x-forwarded-for", said))[0])
