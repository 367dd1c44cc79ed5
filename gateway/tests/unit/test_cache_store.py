"""Where kept answers lie."""

import time

import pytest

from gateway.cache.entry import Entry
from gateway.cache.freshness import Terms
from gateway.cache.store import Store


def entry(size=1000):
    return Entry(200, [], b"a" * size, Terms(5, 0, 0, ()), time.monotonic(), b"")


def key(number, host=b"a"):
    return b"/things/%d %b" % (number, host)


@pytest.fixture
def store():
    return Store(100_000)


def test_it_never_holds_more_than_it_may(store):
    for number in range(1000):
        assert store.keep(key(number), entry())
        assert store.bytes <= 100_000
    assert 30 < len(store) < 60
    assert store.at(key(999)) is not None and store.at(key(0)) is None


def test_the_books_are_right_when_all_is_gone(store):
    for number in range(200):
        store.keep(key(number % 60), entry(number))
    for number in range(60):
        store.forget(b"/things/%d" % number)
    assert (store.bytes, len(store), store._keys_of) == (0, 0, {})


def test_what_is_asked_for_outlives_a_flood_of_what_nobody_asks_for_again(store):
    for number in range(10):
        store.keep(key(number), entry())
    for number in range(100, 2000):
        store.keep(key(number), entry())
        for wanted in range(10):
            store.at(key(wanted)).used = True
    assert all(store.at(key(wanted)) for wanted in range(10))


def test_what_nobody_asks_for_any_more_goes_in_the_end(store):
    kept = entry()
    kept.used = True
    store.keep(key(0), kept)
    for number in range(100, 300):
        store.keep(key(number), entry())
    assert store.at(key(0)) is None


def test_one_entry_takes_a_sixteenth_at_most(store):
    store.keep(key(1), entry())
    assert not store.keep(key(1), entry(6_300))
    assert store.at(key(1)) is None  # what it was to take the place of is no longer true
    assert store.keep(key(2), entry(4_000))


def test_a_path_is_forgotten_with_all_its_queries_and_hosts(store):
    gone = [b"/a/b h", b"/a/b?x=1 h", b"/a/b?x=1 other", b"/a/b h 2:de"]
    stay = [b"/a h", b"/a/b/c h", b"/a/bc h"]
    for each in gone + stay:
        store.keep(each, entry())
    store.forget(b"/a/b")
    assert not any(store.at(each) for each in gone)
    assert all(store.at(each) for each in stay)
