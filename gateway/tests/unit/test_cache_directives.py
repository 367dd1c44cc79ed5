"""Cache-Control as it is read."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cache.directives import Unreadable, read, seconds
from gateway.cache.freshness import terms

NAMES = st.text("abcxyz-", min_size=1, max_size=12)
ARGUMENTS = st.text("0123456789", max_size=12) | st.text("abcxyz", max_size=8)
# A busy machine makes no difference to what is read.
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("lines", "directives"),
    [
        ([b""], {}),
        ([b"public, max-age=5"], {"public": "", "max-age": "5"}),
        ([b"public", b"max-age=5"], {"public": "", "max-age": "5"}),
        ([b" Public ,\tMAX-AGE=5 ,, "], {"public": "", "max-age": "5"}),
        ([b'max-age="5"'], {"max-age": "5"}),
        ([b'private="set-cookie, x", max-age=1'], {"private": "set-cookie, x", "max-age": "1"}),
        ([b'x="a\\"b, no-store", y'], {"x": 'a\\"b, no-store', "y": ""}),
        ([b"max-age=5, max-age=5"], {"max-age": "5"}),
    ],
)
def test_directives_are_read(lines, directives):
    assert read(lines) == directives


@pytest.mark.parametrize(
    "line",
    [b'private="', b"max-age = 5", b"max-age=5 public", b"max-age=", b"=5", b'a"b"', b"caf\xe9", b"a=b=c"],
)
def test_what_is_no_list_of_directives_is_not_guessed(line):
    with pytest.raises(Unreadable):
        read([line])
    assert terms(200, [(b"cache-control", b"max-age=60"), (b"cache-control", line)], (), 0) is None


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"max-age=0", 0),
        (b"max-age=007", 7),
        (b"max-age=-1", 0),
        (b"max-age=1.5", 0),
        (b"max-age", 0),
        (b"max-age=5s", 0),
        (b"max-age=\xb2", None),  # a digit to str.isdigit, to nobody else
        (b"max-age=4294967296", 2**31),
        (b"max-age=" + b"9" * 5000, 2**31),
        (b"max-age=5, max-age=6", 0),
        (b"public", None),
    ],
)
def test_seconds_are_whole_and_in_bounds_or_none_at_all(line, number):
    try:
        directives = read([line])
    except Unreadable:
        directives = {}
    assert seconds(directives, "max-age") == number


@patiently
@given(st.lists(st.tuples(NAMES, ARGUMENTS), max_size=8, unique_by=lambda pair: pair[0]), st.randoms())
def test_what_is_written_is_read_however_it_is_spelt(pairs, chance):
    def spelt(name, argument):
        name = "".join(chance.choice((letter, letter.upper())) for letter in name)
        quoted = f'"{argument}"' if chance.random() < 0.5 else argument
        return f"{name}={quoted}" if argument else name

    elements = [spelt(*pair) + chance.choice(("", " ", "\t")) for pair in pairs]
    cut = chance.randint(0, len(elements))
    lines = [",".join(elements[:cut]).encode(), ", ,".join(elements[cut:]).encode()]
    assert read(lines) == dict(pairs)


@patiently
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(line):
    try:
        directives = read([line])
    except Unreadable:
        return
    assert all(name and name == name.lower() for name in directives)
    assert 0 <= (seconds(directives, "max-age") or 0) <= 2**31


@patiently
@given(st.binary(max_size=60), st.sampled_from([b"no-store", b"private", b"No-Store", b'PRIVATE="x"']))
def test_nothing_around_it_hides_that_an_answer_may_not_be_kept(junk, forbidding):
    for line in (junk + b"," + forbidding, forbidding + b"," + junk):
        fields = [(b"cache-control", b"max-age=60"), (b"cache-control", line)]
        agreed = terms(200, fields, (), 0)
        # Inside the quotes of another argument it is no directive.
        assert agreed is None or b'"' in junk
