"""gunicorn's own requests, good and bad, as the worker of the services reads them."""

import re

from chassis.http1 import Malformed, RequestParser
from chassis.testing.corpus import samples

SERVED, REFUSED, FIRST_ONLY, UNFINISHED = "served", "refused", "first only", "unfinished"

# What gunicorn takes, and this worker does not. Some of it gunicorn takes only if it is told to.
OUR_RULES = {
    "a fragment": "005",
    "blanks in a chunk extension": "013",
    "more than one transfer coding": "025 029 030",
    "a transfer coding that is not chunked": (
        "025_line rfc9112_smuggle_gzip_chunked_01 rfc9112_smuggle_te_identity_chunked_01"
    ),
    "a blank before the colon": "028",
    "a method nobody knows": "031 031compat 031compat2",
    "a folded line": "compat_obs_fold compat_obs_fold_huge",
    "the PROXY protocol": "pp_01 pp_02 pp_04 pp_05",
    "CONNECT": "rfc9112_target_authority_connect_01 rfc9112_target_authority_ipv6_01",
}
OTHERWISE = {name: REFUSED for names in OUR_RULES.values() for name in names.split()} | {
    "022": FIRST_ONLY,  # HTTP/1.0 is answered once a connection
    "099": UNFINISHED,  # its body is shorter than its length
}
# What gunicorn refuses, and this worker need not.
SAFE = {
    "longer or more than gunicorn's limits, and not than ours": "006 007 008 009 017 limit_header_default_01",
    "a limit that gunicorn is told for this one": "010 011 012",
    "X-Forwarded-* that contradict each other: nobody believes them": "019",
    "underscores in a name: the field is dropped": "040 chunked_07",
    "Host as a trailer: trailers are dropped": "rfc9110_trailer_forbidden_host_01",
    "two empty lines before it, one more than RFC 9112 has skipped": "rfc9112_leading_crlf_02",
}
SAFE_OTHERWISE = {name: SERVED for names in SAFE.values() for name in names.split()} | {
    "001": UNFINISHED,
    "rfc9112_chunked_missing_final_crlf_01": UNFINISHED,
}


def origin_form(target):
    """An app gets the path of an absolute target, and nothing of its host."""
    return re.sub("^https?://[^/]*", "", target)


def outcome(sample):
    """Return what became of a sample; a good one that was served was read as gunicorn reads it."""
    parser, refused = RequestParser(), False
    try:
        parser.feed(sample.with_host)
    except Malformed:
        refused = True
    ready = [each for each in parser.ready if each.complete]
    if not ready:
        return REFUSED if refused else UNFINISHED
    assert all(each.keep_alive for each in ready[:-1])
    if sample.requests:
        read = [
            (each.environ["REQUEST_METHOD"], each.environ["RAW_URI"], b"".join(each.body)) for each in ready
        ]
        told = [(each.method, origin_form(each.target), each.body) for each in sample.requests]
        assert read == told[: len(read)]
    return FIRST_ONLY if len(ready) < len(sample.requests) else SERVED


def test_a_good_request_is_read_as_it_was_meant_or_refused_by_a_rule_of_ours(gunicorn_corpus):
    became = {each.name: outcome(each) for each in samples(gunicorn_corpus, "valid")}
    assert became == dict.fromkeys(became, SERVED) | OTHERWISE


def test_a_bad_request_is_refused(gunicorn_corpus):
    became = {each.name: outcome(each) for each in samples(gunicorn_corpus, "invalid")}
    assert became == dict.fromkeys(became, REFUSED) | SAFE_OTHERWISE
