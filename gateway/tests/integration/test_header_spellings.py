"""However a client spells a header that is not its to send: the service gets what the gateway makes, and that only."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import get
from witness import gateway_before, mark

from chassis.assertions import Verifier
from chassis.trust import TrustBundle

PUBLIC = "/api/v1/products/TEA-1"
REFUSALS = {400, 401, 417, 431, 501}
MADE = {"HOST", "AUTHORIZATION", "X_REQUEST_ID", "TRACEPARENT", "X_REQUEST_DEADLINE_MS"} | {
    f"X_FORWARDED_{each}" for each in ("FOR", "PROTO", "HOST")
}
IDENTITY = ["authorization", "proxy-authorization", "x-user-id", "x-user", "x-user-roles", "x-roles"]
IDENTITY += ["remote-user"]
IDENTITY += ["x-remote-user", "x-auth-request-user", "x-authenticated-user", "x-client-cert", "x-api-key"]
IDENTITY += ["cookie"]
ORIGIN = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"]
ORIGIN += ["x-forwarded-prefix"]
ORIGIN += ["x-forwarded-ssl", "x-forwarded-protocol", "x-forwarded-server", "forwarded", "x-real-ip"]
ORIGIN += ["true-client-ip"]
ORIGIN += ["cf-connecting-ip", "x-client-ip", "x-cluster-client-ip", "via", "x-scheme", "x-url-scheme"]
ORIGIN += ["front-end-https"]
REWRITING = ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url"]
REWRITING += ["x-rewrite-url", "host"]
REWRITING += ["x-original-host", "x-host", "script-name", "path-info", "x-script-name", "request-method"]
REWRITING += ["range"]
ONE_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"]
ONE_HOP += ["transfer-encoding", "expect"]
TRACING = ["x-request-id", "x-correlation-id", "traceparent", "tracestate", "x-request-deadline-ms"]
TRACING += ["baggage", "b3"]
NAMES = IDENTITY + ORIGIN + REWRITING + ONE_HOP + TRACING
VALUES = ["6.6.6.6", "https", "evil.test", "admin", "1", "DELETE", "/admin", "Bearer x", "client-1234"]
VALUES += ["9999999", "close"]
VALUES += ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "for=6.6.6.6;proto=https"]
VALUES += ["a=b; session=c", ""]


@pytest.fixture(scope="module")
def chain(tmp_path_factory, issuer):
    with gateway_before(tmp_path_factory.mktemp("spellings"), issuer) as both:
        yield both


@st.composite
def spellings(draw):
    """Spell a name in one of the ways that some reader takes for the name itself."""
    name = draw(st.sampled_from(NAMES))
    for mark_of in draw(st.lists(st.sampled_from(["_", ".", "--", "-_", " "]), max_size=1)):
        name = name.replace("-", mark_of) if draw(st.booleans()) else name.replace("-", mark_of, 1)
    if draw(st.booleans()):
        name = "".join(letter.upper() if draw(st.booleans()) else letter for letter in name)
    before, behind = (
        st.sampled_from(["", "", "", "X-", "HTTP_", "-", " "]),
        st.sampled_from(["", "", "", " ", "_"]),
    )
    return draw(before) + name + draw(behind)


def values():
    odd = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30)
    long = st.integers(100, 17_000).map(lambda length: "a" * length)
    return st.one_of(st.sampled_from(VALUES), st.sampled_from(VALUES), odd, long, st.sampled_from(NAMES))


def named_in_connection():
    names = st.lists(st.sampled_from([*NAMES, "close", "keep-alive"]), max_size=4)
    return names.map(lambda named: ("Connection", ", ".join(named)))


def test_no_spelling_of_a_field_changes_what_a_service_is_told(chain):
    gateway, witness = chain
    verifier = Verifier(TrustBundle.load(gateway.bundle), "orders")
    became = Counter()

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.one_of(st.tuples(spellings(), values()), named_in_connection()), min_size=1, max_size=6)
    )
    def try_one(fields):
        reply = gateway.ask(get(PUBLIC, *(f"{name}: {value}" for name, value in fields)))
        became[reply.status] += 1
        if reply.status != 200:
            assert reply.status in REFUSALS and mark(gateway, witness) == []
            return
        told = json.loads(reply.body)
        got = told["fields"]
        assert got.keys() == MADE and (told["method"], told["target"]) == ("GET", PUBLIC)
        assert (told["scheme"], told["script_name"], got["HOST"]) == ("http", "", f"127.0.0.1:{witness.port}")
        assert (got["X_FORWARDED_FOR"], got["X_FORWARDED_PROTO"]) == ("127.0.0.1", "http")
        assert got["X_FORWARDED_HOST"] == "souk.test" and 0 < int(got["X_REQUEST_DEADLINE_MS"]) <= 10_000
        assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", got["X_REQUEST_ID"])
        assert got["X_REQUEST_ID"] == reply["x-request-id"]
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", got["TRACEPARENT"])
        caller = verifier.verify(got["AUTHORIZATION"].removeprefix("Bearer "))
        assert caller.subject is None and not caller.roles
        assert len(mark(gateway, witness)) == 1

    try_one()
    assert became[200] > 20 and became.total() > became[200]
