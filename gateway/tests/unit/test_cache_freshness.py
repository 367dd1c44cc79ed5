"""What may be kept of an answer, and for how long."""

import pytest

from gateway.cache.freshness import Terms, age, terms

NOW = 1_800_000_000
DATE = b"Fri, 15 Jan 2027 08:00:00 GMT"
MINUTE_LATER = b"Fri, 15 Jan 2027 08:01:00 GMT"
FORWARDED = {b"accept": b"", b"accept-language": b""}


def fields(*lines):
    return [(name.encode(), value.encode()) for name, _, value in (line.partition(": ") for line in lines)]


def lifetime(*lines, status=200):
    agreed = terms(status, fields(*lines), FORWARDED, NOW)
    return None if agreed is None else agreed.lifetime


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["cache-control: max-age=5"], 5),
        (["cache-control: public, max-age=5"], 5),
        (["cache-control: max-age=5, s-maxage=7"], 7),
        (["cache-control: max-age=5", "cache-control: s-maxage=7"], 7),
        ([f"date: {DATE.decode()}", f"expires: {MINUTE_LATER.decode()}"], 60),
        ([f"expires: {MINUTE_LATER.decode()}"], 60),
        ([f"expires: {MINUTE_LATER.decode()}", "cache-control: max-age=5"], 5),
        ([f"expires: {DATE.decode()}", f"expires: {MINUTE_LATER.decode()}"], None),
        (["expires: 0"], None),
        (["expires: 0", 'etag: "1"'], 0),
        (["cache-control: public"], None),
        ([], None),
        (['etag: "1"'], None),
        (["cache-control: no-cache", 'etag: "1"'], 0),
        (["cache-control: no-cache"], None),
        (["cache-control: no-cache, max-age=60", 'etag: "1"'], 0),
        (['cache-control: no-cache="set-cookie", max-age=60', 'etag: "1"'], 0),
        (["cache-control: max-age=0", 'etag: "1"'], 0),
        (["cache-control: max-age=0"], None),
        (["cache-control: max-age=x", 'etag: "1"'], 0),
        (["cache-control: no-store, max-age=60"], None),
        (["cache-control: private, max-age=60"], None),
        (['cache-control: private="x", max-age=60'], None),
        (["cache-control: public, s-maxage=60, private"], None),
        (["cache-control: max-age=60", "set-cookie: a=1"], None),
        (["cache-control: max-age=60", "vary: *"], None),
        (["cache-control: max-age=60", "vary: accept, *"], None),
        (["cache-control: max-age=60", "vary: Cookie"], None),
        (["cache-control: max-age=60", "vary: authorization"], None),
        (["cache-control: max-age=60", "vary: accept, x-forwarded-host"], None),
        (["cache-control: max-age=60", "vary: Accept, Accept-Encoding"], 60),
    ],
)
def test_how_long_an_answer_is_fresh(lines, expected):
    assert lifetime(*lines) == expected


@pytest.mark.parametrize(
    ("status", "kept"),
    [(200, True), (404, True), (410, True)]
    + [(status, False) for status in (201, 203, 204, 206, 301, 302, 304, 400, 401, 403, 405, 429, 500, 503)],
)
def test_which_statuses_are_kept(status, kept):
    assert (lifetime("cache-control: max-age=5", status=status) == 5) is kept
    if status != 200:
        assert lifetime("cache-control: no-cache", 'etag: "1"', status=status) is None
        assert lifetime('etag: "1"', status=status) is None


@pytest.mark.parametrize("name", [b"accept", b"accept-language"])
def test_an_answer_may_depend_on_what_its_service_gets_to_see(name):
    agreed = terms(200, [(b"cache-control", b"max-age=5"), (b"vary", name.upper())], FORWARDED, NOW)
    assert agreed == Terms(5, 0, 0, (name,))


def test_what_is_stale_serves_on_if_the_service_says_so():
    line = "cache-control: max-age=5, stale-while-revalidate=10, stale-if-error=600"
    assert terms(200, fields(line), FORWARDED, NOW) == Terms(5, 10, 600, ())


@pytest.mark.parametrize("strict", ["must-revalidate", "proxy-revalidate", "s-maxage=5", "no-cache"])
def test_nothing_stale_is_given_out_where_that_is_forbidden(strict):
    line = f"cache-control: max-age=5, stale-while-revalidate=10, stale-if-error=600, {strict}"
    agreed = terms(200, fields(line, 'etag: "1"'), FORWARDED, NOW)
    assert (agreed.while_revalidate, agreed.if_error) == (0, 0)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], 2),
        (["age: 10"], 12),
        (["age: 10", "age: 90"], 12),
        (["age: -1"], 2),
        (["age: x"], 2),
        ([f"date: {DATE.decode()}"], 30),
        ([f"date: {DATE.decode()}", "age: 100"], 102),
        ([f"date: {MINUTE_LATER.decode()}"], 2),
        (["date: yesterday"], 2),
    ],
)
def test_an_answer_is_as_old_as_the_most_pessimistic_says(lines, expected):
    assert age(fields(*lines), 2, NOW + 30) == expected
