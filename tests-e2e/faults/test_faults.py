"""The fault suite, short: a minute of breaking things, a few failpoints and a few seeded bugs."""

import os
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import failpoints, seeding, strikes
from faults.between import proxies
from faults.invariants import ALWAYS, IN_THE_END
from faults.laboratory import HASTY, Laboratory, laboratory
from faults.measures.keys import identical_posts
from faults.measures.outbox import all_transactions
from faults.storm import storm

SEED = int(os.environ.get("SEED") or secrets.randbelow(10**6))
FAILPOINTS, BUGS = 3, 2
STORM_SECONDS, SHOPPERS = 15, 8


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    if os.environ.get("GATEWAY_URL"):
        pytest.skip("faults are for a stack of one's own")
    with laboratory(HASTY, inject=True) as started:
        yield started


def test_seeded_bugs_fit_the_source():
    assert seeding.misfits() == []


def test_every_bug_is_awaited_by_an_invariant():
    known = {each.__name__ for each in (*ALWAYS, *IN_THE_END)}
    assert {bug.caught_by for bug in seeding.BUGS} <= known


def test_identical_posts_have_one_effect(lab: Laboratory, tmp_path: Path):
    measured = identical_posts(lab, SEED, tmp_path / "keys.jsonl", keys=10, copies=20)
    assert measured.good, measured


def test_the_outbox_loses_nothing(lab: Laboratory):
    measured = all_transactions(lab, SEED, 1000, print)
    assert measured.good, measured


def test_a_kill_at_a_failpoint_leaves_nothing_open(lab: Laboratory, tmp_path: Path):
    points = failpoints.enumerate_failpoints(lab, SEED, tmp_path, failpoints.JOURNEYS[:1])
    chosen = random.Random(SEED).sample(sorted(points), FAILPOINTS)
    kills = failpoints.kill_everywhere(lab, [(each, points[each]) for each in chosen], SEED, tmp_path, print)
    assert not [kill for kill in kills if kill.verdict is not None and kill.verdict.count], kills


def test_seeded_bugs_are_caught(lab: Laboratory, tmp_path: Path):
    bugs = random.Random(SEED).sample(seeding.BUGS, BUGS)
    missed = [catch for catch in seeding.hunt(lab, bugs, SEED, tmp_path, print) if not catch.caught]
    assert not missed, f"SEED={SEED}: {missed}"


def test_a_storm_violates_nothing(lab: Laboratory, tmp_path: Path):
    with proxies(lab) as between:
        found = storm(
            lab,
            SEED,
            tmp_path / "storm.jsonl",
            strikes=(*strikes.ALL, *[strikes.misbehave(between)] * 4),
            seconds=STORM_SECONDS,
            shoppers=SHOPPERS,
            pace_seconds=1,
            tell=print,
        )
    assert found.orders
    assert not found.verdict.count, f"SEED={SEED}: {found.strikes}\n{found.verdict}"
