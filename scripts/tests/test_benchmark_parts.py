"""The parts of `make bench` that need neither a stack nor wrk."""

from collections import Counter
from contextlib import nullcontext
from xml.etree import ElementTree

import pytest

from benchmarks import picture, report, rounds, spent, tools
from benchmarks.figures import Figure, percentile
from benchmarks.plan import Plan
from benchmarks.wrk import Measured, Unusable

QUICK = Plan(rounds=2, seconds=0, warm_up_seconds=0)


class Answers:
    """A load that measures what it was told, one rate after another."""

    def __init__(self, *requests: int, refused: int = 0) -> None:
        self.turns = [Measured(count, refused, 0, 1.0, 1.0, 2.0) for count in requests]

    def measure(self, clients: int, seconds: float) -> Measured:
        return self.turns.pop(0)


class Nothing:
    """A laboratory without a stack."""

    def meter(self):
        return self

    def running(self):
        return nullcontext(Counter())

    def note(self, *turn):
        pass


def contender(name: str, *requests: int, refused: int = 0, needs: tuple[str, ...] = ()) -> rounds.Contender:
    load = Answers(*(count for each in requests for count in (1, each)), refused=refused)
    return rounds.Contender(name, lambda: nullcontext(load), needs)


def all_but_caddy(*wanted: str) -> str:
    return "not installed: caddy" if "caddy" in wanted else ""


def race(*contenders: rounds.Contender) -> rounds.Race:
    return rounds.race(Nothing(), "part", contenders, QUICK, lacking=all_but_caddy)


def test_a_ratio_is_taken_in_each_round_of_its_own():
    found = race(contender("ours", 300, 100), contender("theirs", 100, 200))
    figure = found.ratio("name", "ours", "theirs", 1.5)
    assert (list(figure.samples), figure.median, figure.reached) == ([3.0, 0.5], 1.75, True)


def test_a_missing_tool_is_said_in_its_line_and_stops_nobody_else():
    found = race(contender("ours", 300, 100), contender("caddy", needs=("caddy",)))
    figures = [found.ratio("of caddy", "ours", "caddy", 1), found.rate("alone", "ours", 100)]
    assert [figure.reached for figure in figures] == [None, True]
    assert "not installed: caddy" in report.table(figures)


def test_refused_requests_are_no_result():
    found = race(contender("ours", 300, refused=2))
    assert "2 of 300 requests went wrong" in found.rate("alone", "ours", 100).missing
    with pytest.raises(Unusable):
        Measured(0, 0, 0, 1.0, 0, 0).require_answers()


def test_a_tool_that_is_not_there_is_named_with_the_way_to_get_it():
    assert tools.lacking("wrk", "nginx", searched="") == "not installed: wrk nginx (apt install wrk nginx)"
    assert tools.lacking() == ""


@pytest.mark.parametrize(
    ("median", "at_most", "reached"), [(9, True, True), (11, True, False), (11, False, True)]
)
def test_a_bound_is_kept_or_not(median, at_most, reached):
    assert Figure("part", "name", 10, "ms", [median], at_most).reached is reached


def test_percentiles_are_values_that_were_measured():
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [51, 100, 100]


def test_the_cost_of_a_request_is_told_by_program():
    turns = [
        {"part": "orders", "contender": "souk", "cpu_us": spent.of_one({"gateway": used, "nats": 0.0}, 1000)}
        for used in (0.1, 0.3, 0.2)
    ]
    assert report.costs(turns).splitlines()[1].split() == ["orders", "souk", "gateway", "200"]


def test_the_picture_shows_every_figure_and_is_well_formed():
    drawn = picture.draw(
        [
            Figure("part", "fast & good", 1, "x", [2, 3]),
            Figure("part", "slow", 10, "ms", [40, 1000], at_most=True),
            Figure("part", "absent", 1, "x", missing="not installed: caddy"),
        ],
        "2 cores",
    )
    texts = [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]
    assert {"fast & good", "slow", "absent", "not measured"} <= set(texts)
