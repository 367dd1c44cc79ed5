"""What was revoked: read page by page, kept while it matters, not lost while users is down."""

import json
import logging
from datetime import UTC, datetime

import gevent
import pytest
from prometheus_client import REGISTRY

from gateway.fetching import FetchFailed
from gateway.revocations import TARGET, Revocations

BEGIN = 1_800_000_000.0
PAGE = 2


class Feed:
    """The feed of users, a cursor being the number of rows that came before; it can be down."""

    def __init__(self):
        self.rows = []
        self.asked = []
        self.failure = None

    def revoke(self, *ids, seconds=600.0):
        expires_at = datetime.fromtimestamp(BEGIN + seconds, UTC).isoformat()
        self.rows += [{"kind": "user", "id": each, "expires_at": expires_at} for each in ids]

    def __call__(self, target):
        self.asked.append(target)
        if self.failure is not None:
            raise self.failure
        begin = int(target.partition("?since=")[2] or 0)
        page = self.rows[begin : begin + PAGE]
        end = begin + len(page)
        return json.dumps({"data": page, "next_cursor": str(end), "more": end < len(self.rows)}).encode()


@pytest.fixture
def feed():
    return Feed()


@pytest.fixture
def clock():
    return [BEGIN]


@pytest.fixture
def revocations(feed, clock):
    return Revocations(feed, refresh_seconds=15, now=lambda: clock[0])


@pytest.fixture
def told():
    return []


def test_what_is_new_is_told_once_and_known(revocations, feed, told):
    feed.revoke("a")
    for _ in range(2):
        revocations.refresh(told.extend)
    assert told == ["a"]
    assert revocations.have("a") and revocations.have("b", "a") and not revocations.have("b")


def test_it_goes_on_where_it_was_and_reads_to_the_end(revocations, feed, told):
    feed.revoke("a", "b", "c", "d", "e")
    revocations.refresh(told.extend)
    feed.revoke("f")
    revocations.refresh(told.extend)
    assert sorted(told) == ["a", "b", "c", "d", "e", "f"]
    assert feed.asked == [TARGET, *(f"{TARGET}?since={number}" for number in (2, 4, 5))]


def test_what_has_expired_anyway_is_forgotten(revocations, feed, clock, told):
    feed.revoke("short", seconds=60)
    feed.revoke("long", seconds=600)
    revocations.refresh(told.extend)
    clock[0] += 61
    revocations.refresh(told.extend)
    assert len(revocations) == 1 and revocations.have("long")


def test_the_last_known_stays_while_users_is_down_and_one_line_says_so(revocations, feed, told, caplog):
    caplog.set_level(logging.INFO)
    feed.revoke("a")
    revocations.refresh(told.extend)
    feed.failure = FetchFailed("down")
    for _ in range(5):
        revocations.refresh(told.extend)
    assert revocations.have("a")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    feed.failure = None
    revocations.refresh(told.extend)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert feed.asked[-1].endswith("since=1")


def test_a_cursor_that_is_refused_is_given_up(revocations, feed, told):
    feed.revoke("a")
    revocations.refresh(told.extend)
    feed.failure = FetchFailed("422", refused=True)
    revocations.refresh(told.extend)
    feed.failure = None
    revocations.refresh(told.extend)
    assert feed.asked[-1] == TARGET


def test_what_came_before_a_failure_counts(told):
    class Breaking(Feed):
        def __call__(self, target):
            if "since" in target:
                raise FetchFailed("down")
            return super().__call__(target)

    breaking = Breaking()
    breaking.revoke("a", "b", "c")
    revocations = Revocations(breaking, refresh_seconds=15, now=lambda: BEGIN)
    revocations.refresh(told.extend)
    assert sorted(told) == ["a", "b"] and revocations.have("a")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"<html>",
        b'{"data": 1}',
        b'{"data": [{"id": "a"}], "next_cursor": "", "more": false}',
        b'{"data": [{"id": "a", "expires_at": "soon"}], "next_cursor": "", "more": false}',
    ],
)
def test_what_is_no_feed_changes_nothing(body, told):
    revocations = Revocations(lambda target: body, refresh_seconds=15)
    revocations.refresh(told.extend)
    assert told == [] and len(revocations) == 0


def test_a_feed_without_end_is_given_up(told):
    endless = b'{"data": [], "next_cursor": "x", "more": true}'
    asked = []
    revocations = Revocations(lambda target: asked.append(target) or endless, refresh_seconds=15)
    revocations.refresh(told.extend)
    assert 1 < len(asked) <= 1000


def test_nobody_goes_on_before_it_was_tried_once(revocations, feed, told):
    feed.failure = FetchFailed("down")
    waiting = gevent.spawn(revocations.wait_for_first)
    gevent.sleep(0)
    assert not waiting.dead
    revocations.refresh(told.extend)
    waiting.join(timeout=5)
    assert waiting.successful()


def test_the_age_of_the_feed_can_be_seen(revocations, feed, clock, told):
    def seen():
        return REGISTRY.get_sample_value("gateway_revocations_read_timestamp_seconds", {"service": "users"})

    revocations.refresh(told.extend)
    assert seen() == BEGIN
    clock[0] += 20
    feed.failure = FetchFailed("down")
    revocations.refresh(told.extend)
    assert seen() == BEGIN
    feed.failure = None
    revocations.refresh(told.extend)
    assert seen() == BEGIN + 20
