"""A kept answer: who has it already, and how a 304 renews it."""

import time

import pytest

from gateway.cache.entry import Entry
from gateway.cache.freshness import Terms

FIELDS = [
    (b"content-type", b"application/json"),
    (b"etag", b'"one"'),
    (b"cache-control", b"max-age=5"),
    (b"age", b"3"),
    (b"server", b"x"),
]


def entry(*, status=200, etag=b'"one"', terms=Terms(5, 10, 600, ()), asked=0.0):  # noqa: B008  # frozen
    fields = [(name, etag if name == b"etag" else value) for name, value in FIELDS]
    return Entry(status, fields, b"{}", terms, time.monotonic() - asked, b"")


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        ([b'"one"'], True),
        ([b'W/"one"'], True),
        ([b'"two", "one"'], True),
        ([b'"two",W/"one" , "three"'], True),
        ([b'"two"', b'"one"'], True),
        ([b"*"], True),
        ([b" * "], True),
        ([b'"two"'], False),
        ([b"one"], False),
        ([b'"two, "one'], False),
        ([b'"ONE"'], False),
        ([b""], False),
        ([b'*, "two"'], False),
    ],
)
def test_who_has_it_already(lines, known):
    assert entry().is_known_by(lines) is known
    assert entry(etag=b'W/"one"').is_known_by(lines) is known
    assert not entry(status=404).is_known_by(lines)


@pytest.mark.parametrize("etag", [b"one", b'"one', b"", b'"a", "b"', b'w/"one"'])
def test_an_etag_that_is_none_is_no_validator(etag):
    assert entry(etag=etag).etag == b""
    assert not entry(etag=etag).is_known_by([etag])


def test_its_age_goes_on_from_where_it_came_from():
    old = entry(asked=2.0)
    now = time.monotonic()
    assert (old.age(now), old.age(now + 7)) == (5, 12)
    assert now - 0.5 < old.fresh_until < now + 0.5
    assert old.serves_stale_until - old.fresh_until == pytest.approx(10)
    assert old.serves_errors_until - old.fresh_until == pytest.approx(600)


def test_its_lines_are_those_of_all_who_get_it():
    lines = entry().plain.lines.lower()
    assert b"date: " in lines and b"content-type: application/json\r\n" in lines
    assert not any(name in lines for name in (b"\r\nage:", b"server:", b"x-request-id"))
    lines = entry().plain.lines_304.lower()
    assert b"content-type" not in lines and b'etag: "one"' in lines


def test_a_304_renews_the_fields_and_leaves_the_content():
    renewed = entry().renewed_by(
        [
            (b"etag", b'W/"one"'),
            (b"cache-control", b"max-age=9"),
            (b"content-type", b"x"),
            (b"content-length", b"0"),
        ]
    )
    assert dict(renewed) == {
        b"content-type": b"application/json",
        b"etag": b'W/"one"',
        b"cache-control": b"max-age=9",
        b"server": b"x",
    }
    assert entry().renewed_by([(b"etag", b'"two"')]) is None
