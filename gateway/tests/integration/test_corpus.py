"""gunicorn's own requests, good and bad, through the gateway to a service."""

import pytest
from witness import gateway_before, mark

from chassis.testing.corpus import Read, samples

SERVED, REFUSED, FIRST_ONLY, OWN_PAGE = "served", "refused", "first only", "own page"

# What gunicorn takes, and the gateway does not. Some of it gunicorn takes only if it is told to.
OUR_RULES = {
    "its Host is none": "002 003",
    "a body with GET": "008 020 040 040_compat rfc9110_body_framing_get_cl_nonzero_01",
    "a fragment": "005",
    "a path with quotes or empty segments": "014 100",
    "trailer fields": "012",
    "blanks in a chunk extension": "013",
    "more than one transfer coding": "025 029 030",
    "a transfer coding that is not chunked": (
        "025_line rfc9112_smuggle_gzip_chunked_01 rfc9112_smuggle_te_identity_chunked_01"
    ),
    "a blank before the colon": "028",
    "a method nobody knows": "031 031compat 031compat2",
    "a body that is shorter than its length": "099",
    "a folded line": "compat_obs_fold compat_obs_fold_huge",
    "the PROXY protocol": "pp_01 pp_02 pp_04 pp_05",
    "absolute form": (
        "rfc9112_target_absolute_01 rfc9112_target_absolute_https_01 rfc9112_target_absolute_ipv6_01"
        " rfc9112_target_absolute_userinfo_01"
    ),
    "OPTIONS of no path": "rfc9112_target_asterisk_options_01",
    "CONNECT": "rfc9112_target_authority_connect_01 rfc9112_target_authority_ipv6_01",
}
OTHERWISE = {name: REFUSED for names in OUR_RULES.values() for name in names.split()} | {
    "022": FIRST_ONLY,  # HTTP/1.0 is answered once a connection
    "026": OWN_PAGE,
    "padding_01": OWN_PAGE,
}
# What gunicorn refuses, and the gateway need not.
SAFE = {
    "a line or a field that is longer than gunicorn's limit, and not than ours": "006 007 008 017",
    "a limit that gunicorn is told for this one": "010",
    "X-Forwarded-* that contradict each other: nobody believes them": "019",
    "Transfer_Encoding, which does not go through": "chunked_07",
}
SAFE_OTHERWISE = {name: SERVED for names in SAFE.values() for name in names.split()} | {
    "limit_header_default_01": OWN_PAGE,
}


@pytest.fixture(scope="module")
def chain(tmp_path_factory, issuer):
    folder = tmp_path_factory.mktemp("corpus")
    methods = '["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]'
    entry = f'[[route]]\npath = "%s"\nmethods = {methods}\nupstream = "orders"\npolicy = "public"\n'
    paths = ["/{a}", "/{a}/{b}", "/{a}/{b}/{c}", "/{a}/{b}/{c}/{d}", "/api/v1/products/{e}"]
    (folder / "routes.toml").write_text("".join(entry % path for path in paths))
    quick = {"header_timeout_seconds": 1, "body_timeout_seconds": 1}
    with gateway_before(folder, issuer, routes=folder / "routes.toml", **quick) as both:
        yield both


def only_request(raw):
    """Read a bad sample as the one request that it is at most."""
    method, target = [*raw.decode("latin-1").partition("\r\n")[0].split(" "), ""][:2]
    return Read(method, target, b"hello world" if b"chunked" in raw else raw.partition(b"\r\n\r\n")[2])


def outcome(chain, raw, expected):
    """Send a sample; return what became of it, having looked at what the service saw."""
    wire = chain[0].connect().send(raw)
    replies = [wire.message() for _ in expected]
    if replies[0].status >= 400:
        assert replies[0]["connection"] == "close" and wire.ended()
    wire.close()
    seen = [(each["method"], each["target"], each["body"].encode("latin-1")) for each in mark(*chain)]
    if replies[0].status >= 400:
        assert seen == []
        return REFUSED
    if not seen:
        return OWN_PAGE
    told = [(each.method, each.target, each.body) for each in expected]
    assert seen == told[: len(seen)]
    return SERVED if len(seen) == len(told) else FIRST_ONLY


def test_a_good_request_is_served_as_it_was_meant_or_refused_by_a_rule_of_ours(chain, gunicorn_corpus):
    good = list(samples(gunicorn_corpus, "valid"))
    became = {each.name: outcome(chain, each.with_host, each.requests) for each in good}
    assert became == dict.fromkeys(became, SERVED) | OTHERWISE


def test_a_bad_request_is_refused_and_reaches_no_service(chain, gunicorn_corpus):
    became = {
        each.name: outcome(chain, each.with_host, [only_request(each.raw)])
        for each in samples(gunicorn_corpus, "invalid")
    }
    assert became == dict.fromkeys(became, REFUSED) | SAFE_OTHERWISE


def test_without_a_host_each_of_them_is_refused(chain, gunicorn_corpus):
    gateway, witness = chain
    hostless = [
        each.raw
        for kind in ("valid", "invalid")
        for each in samples(gunicorn_corpus, kind)
        if each.with_host != each.raw
    ]
    for raw in hostless:
        wire = gateway.connect().send(raw)
        assert wire.message().status >= 400 and wire.ended()
        wire.close()
    assert len(hostless) > 50 and mark(gateway, witness) == []
