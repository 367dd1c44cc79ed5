"""Unit tests of following an order."""

import json
import threading
from contextlib import closing

import pytest
from shop import NOW, order, payment_of

from chassis.errors import Unavailable
from orders.domain import Move
from orders.feed import FAREWELL, HEARTBEAT, RECONNECT, Feed


class Watched:
    """Orders that can change while they are followed, and the questions asked about them."""

    def __init__(self, *orders):
        self.orders = {each.id: each for each in orders}
        self.questions = []
        self.failures = 0
        self.draining = False

    def changed_since(self, versions):
        self.questions.append(dict(versions))
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return [self.orders[id] for id, version in versions.items() if self.orders[id].version > version]

    def feed(self, **times):
        quick = {"poll_seconds": 0.002, "heartbeat_seconds": 5.0, "lifetime_seconds": 5.0, **times}
        return Feed(self.changed_since, lambda: self.draining, **quick)


def told(event: bytes) -> tuple[str, int]:
    """The status and version in an event."""
    fields = dict(
        line.split(": ", 1) for line in event.decode().removeprefix(RECONNECT.decode()).strip().split("\n")
    )
    data = json.loads(fields["data"])
    assert (fields["event"], fields["id"]) == ("order", str(data["version"]))
    return data["status"], data["version"]


@pytest.fixture
def placed():
    return order()


def test_the_state_now_comes_first_and_each_change_after_it(placed):
    watched = Watched(placed)
    payment = payment_of(placed)
    with closing(watched.feed().follow(placed)) as events:
        assert told(next(events)) == ("PENDING", 1)
        watched.orders[placed.id] = paid = placed.paid_by(payment, NOW)
        assert told(next(events)) == ("PAID", 2)
        watched.orders[placed.id] = cancelled = paid.moved(Move.CANCEL, NOW)
        assert told(next(events)) == ("CANCELLED", 3)
        watched.orders[placed.id] = cancelled.moved(Move.REFUND, NOW)
        assert told(next(events)) == ("REFUNDED", 4)
        assert list(events) == [FAREWELL]


def test_a_final_order_is_told_once(placed):
    expired = placed.moved(Move.EXPIRE, NOW)
    event, *rest = Watched(expired).feed().follow(expired)
    assert (told(event), rest) == (("EXPIRED", 2), [FAREWELL])


def test_a_quiet_order_is_told_by_heartbeats_until_the_lifetime_is_over(placed):
    feed = Watched(placed).feed(heartbeat_seconds=0.01, lifetime_seconds=0.1)
    _, *rest = feed.follow(placed)
    assert set(rest) == {HEARTBEAT}


def test_many_followers_are_one_question(placed, until):
    others = [order() for _ in range(20)]
    watched = Watched(placed, *others)
    feed = watched.feed()
    streams = [feed.follow(each) for each in (placed, placed, *others)]
    for stream in streams:
        next(stream)
    until(lambda: watched.questions and len(watched.questions[-1]) == 21)
    for stream in streams:
        stream.close()


def test_nobody_is_asked_for_when_nobody_follows(placed, until):
    def pollers():
        return [thread for thread in threading.enumerate() if thread.name == "feed"]

    feed = Watched(placed).feed()
    until(lambda: not pollers())
    with closing(feed.follow(placed)) as events:
        next(events)
        assert len(pollers()) == 1
    until(lambda: not pollers())
    with closing(feed.follow(placed)) as events:
        next(events)
        assert len(pollers()) == 1


def test_a_database_that_is_away_for_a_while_loses_no_change(placed):
    watched = Watched(placed)
    watched.failures = 3
    with closing(watched.feed().follow(placed)) as events:
        next(events)
        watched.orders[placed.id] = placed.moved(Move.EXPIRE, NOW)
        assert told(next(events)) == ("EXPIRED", 2)


def test_followers_are_sent_away_when_the_process_drains(placed):
    watched = Watched(placed)
    with closing(watched.feed().follow(placed)) as events:
        next(events)
        watched.draining = True
        assert list(events) == []


def test_a_follower_is_not_told_what_it_knows(placed):
    paid = placed.paid_by(payment_of(placed), NOW)
    watched = Watched(paid)
    feed = watched.feed()
    with closing(feed.follow(paid)) as knows, closing(feed.follow(placed)) as learns:
        next(knows), next(learns)
        assert told(next(learns)) == ("PAID", 2)
        watched.orders[placed.id] = paid.moved(Move.CANCEL, NOW)
        assert told(next(knows)) == ("CANCELLED", 3)
