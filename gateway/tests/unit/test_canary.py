"""Which requests go to a canary."""

import pytest

from gateway.canary import Canary
from gateway.route_file import RoutesError, load
from gateway.upstream.group import Group
from gateway.upstream.message import Message
from gateway.upstream.service import Service

ROUTE = '[[route]]\npath = "/a"\nmethods = ["GET"]\nupstream = "orders"\npolicy = "public"\n'


def loaded(tmp_path, table):
    path = tmp_path / "routes.toml"
    path.write_text(ROUTE + table)
    return load(path, ["orders"], deadline_seconds=1, body_max_bytes=1).all[0].canary


def test_the_route_file_says_which(tmp_path):
    table = '[upstream.orders]\ncanary_share = 0.05\ncanary_header = "x-souk-canary"\n'
    assert loaded(tmp_path, table) == Canary(0.05, b"x-souk-canary")
    assert loaded(tmp_path, "") is None


@pytest.mark.parametrize(
    "table",
    [
        "canary_share = 1.5",
        "canary_share = true",
        "canary_share = nan",
        'canary_header = "X Y"',
        "canary = 1",
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path, table):
    with pytest.raises(RoutesError, match=r"upstream\.orders: canary"):
        loaded(tmp_path, f"[upstream.orders]\n{table}\n")


def test_a_table_of_nobody_is_refused(tmp_path):
    with pytest.raises(RoutesError, match=r"upstream\.others"):
        loaded(tmp_path, "[upstream.others]\n")


@pytest.mark.parametrize(
    ("value", "share"), [(b"always", 1.0), (b" Never ", 0.0), (b"perhaps", 0.25), (b"", 0.25)]
)
def test_a_header_sends_there_or_keeps_from_there(value, share):
    canary = Canary(0.25, b"x-souk-canary")
    assert canary.share_of([(b"accept", b"*/*"), (b"x-souk-canary", value)]) == share
    assert canary.share_of([]) == 0.25


class FakeInstance:
    def __init__(self, name):
        self.name = name
        self.ready = True
        self.in_flight = 0

    def ask(self, message):
        return self.name


class FakeGroup(Group):
    """A group of one, which may be left alone."""

    def __init__(self, name):
        super().__init__(name, FakeInstance, lambda group, instance: None)
        self._usable = [FakeInstance(name)]

    def lose(self):
        self._usable = []


@pytest.fixture
def canary():
    return FakeGroup("canary")


def asked(service, share, times):
    return [service.ask(Message("GET", b"", b"", 0.0, canary=share)) for _ in range(times)]


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.3])
def test_a_share_is_exact_and_evenly_spread(canary, share):
    service = Service("orders", FakeGroup("stable"), canary, connections=10_000)
    told = asked(service, share, 1000)
    assert told.count("canary") == round(1000 * share)
    assert all(told[at : at + 100].count("canary") == round(100 * share) for at in range(0, 1000, 100))


def test_all_and_none_are_exact_and_leave_the_share_alone(canary):
    service = Service("orders", FakeGroup("stable"), canary, connections=10_000)
    assert asked(service, 0.5, 1) == ["stable"]
    assert asked(service, 1.0, 3) == ["canary"] * 3 and asked(service, 0.0, 3) == ["stable"] * 3
    assert asked(service, 0.5, 1) == ["canary"]


def test_without_a_canary_that_can_be_asked_all_goes_to_the_others(canary):
    service = Service("orders", FakeGroup("stable"), canary, connections=10_000)
    canary.lose()
    assert asked(service, 1.0, 5) == ["stable"] * 5
    assert asked(Service("orders", FakeGroup("stable"), connections=10), 1.0, 5) == ["stable"] * 5
