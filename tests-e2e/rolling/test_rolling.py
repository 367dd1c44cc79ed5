"""The rolling run, short: from the previous release to this one under load."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.laboratory import Laboratory
from shop import Client, register, until
from stacks import Stack

from rolling.fleet import SERVICES, Fleet, fleet
from rolling.releases import NoHistory, Release, current, previous
from rolling.run import Size, roll

SHORT = Size(requests=1000, deploys=["upgrade"], rounds=1, shoppers=10, think_seconds=0.3, settle_seconds=30)
LINGER_SECONDS, READY_SECONDS = 0.5, 180
WORKERS = [f"services:{service}-worker" for service in SERVICES]


@pytest.fixture(scope="module")
def releases() -> tuple[Release, Release]:
    try:
        return previous(), current()
    except NoHistory as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def ships(stack: Stack, releases: tuple[Release, Release]) -> Iterator[Fleet]:
    """The previous release on the schema of this one, behind a gateway of its own; no worker is of this release."""
    if stack.state is None:
        pytest.skip("deploys are for an embedded stack")
    lab = Laboratory(stack)
    lab.control("stop", *WORKERS)
    try:
        with fleet(lab, LINGER_SECONDS) as made:
            made.launch(releases, instances=1)
            yield made
    finally:
        lab.control("start", *WORKERS)
        until(lab.is_ready, READY_SECONDS)


def test_the_previous_release_serves_on_the_schema_of_this_one(
    ships: Fleet, releases: tuple[Release, Release]
):
    assert {each.release for service in SERVICES for each in ships[service]} == {releases[0]}
    shopper = register(Client(ships.gateway_url))
    product = shopper.get("/api/v1/products?limit=1").json()["data"][0]["sku"]
    paid, cancelled = shopper.order(product), shopper.order(product)
    for order in (paid, cancelled):
        assert shopper.pay(order).json()["status"] == "succeeded"
        shopper.until_status(order, "PAID")
    shopper.post(f"/api/v1/orders/{cancelled['id']}/cancel", {})
    shopper.until_status(cancelled, "REFUNDED")
    assert shopper.status(paid) == "PAID"


def test_nothing_fails_while_everything_is_upgraded(
    ships: Fleet, releases: tuple[Release, Release], tmp_path: Path
):
    result = roll(ships, releases, SHORT, os.getpid(), tmp_path / "history.jsonl", print)
    assert result.good, result.table()
    assert result.tally["POST"] > SHORT.requests / 10
    assert all(did["upgrade"] for did in result.done.values())
    assert {each.release for service in SERVICES for each in ships[service]} == {releases[1]}
