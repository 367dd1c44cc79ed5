"""A database is lost and comes back from its backup: the steps of deploy/OPERATIONS.md, acted out.

Shoppers go on ordering and paying after the backup was made. What each was told must be true again in the end.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from shop import DECLINED, Client, until
from stacks import Stack


@dataclass(frozen=True)
class Lost:
    """What was lost: the database of a service, after a backup was made."""

    stack: Stack
    service: str
    since: str

    def run(self, name: str, *arguments: str) -> str:
        """Run a script of the tree, which must do what it is for."""
        done = self.stack.script(name, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def drop(self) -> None:
        """Lose the database, with the processes of its service at it."""
        told = (self.stack.state / "settings" / f"{self.service}.env").read_text()
        host = re.search(r"_DB_URL='?\S+host=([^'\s]+)", told)[1].replace("%2F", "/")
        with psycopg.connect(f"postgresql://postgres@/postgres?host={host}", autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {self.service} WITH (FORCE)")

    def restore(self) -> None:
        self.run("process", "stop", self.service, f"{self.service}-worker")
        self.run("backup", "--folder", str(self.folder(self.stack)), "restore", self.service)
        self.run("replay", self.service, "--since", self.since)
        self.run("process", "start", f"{self.service}-worker")

    @staticmethod
    def folder(stack: Stack) -> Path:
        return stack.state / "backups"


@contextmanager
def backup_of(stack: Stack, service: str) -> Iterator[Lost]:
    """Make a backup of a service's database, and see to it that all processes run in the end."""
    folder = Lost.folder(stack)
    made = stack.script("backup", "--folder", str(folder), "dump", service, "--keep", "1")
    assert made.returncode == 0, made.stderr
    [manifest] = (folder / service).glob("*.json")
    since = re.search(r'"taken_at": "([^"]+)"', manifest.read_text())[1]
    try:
        yield Lost(stack, service, since)
    finally:
        stack.script("process", "start", service, f"{service}-worker")


def until_ready(stack: Stack, *names: str) -> None:
    until(lambda: all(stack.processes()[name]["ready"] == "ready" for name in names), 60)


def paid_order(shopper: Client, sku: str) -> tuple[dict, dict]:
    """Place an order and pay it; return both as they were told."""
    order = shopper.order(sku)
    answer = shopper.pay(order)
    assert answer.status_code == 201, answer.text
    shopper.until_status(order, "PAID")
    return order, answer.json()


def told(shopper: Client) -> dict[str, dict]:
    """Return what a shopper is told of her payments, without the times of the last change."""
    listed = shopper.get("/api/v1/payments").json()["data"]
    return {each["id"]: {key: each[key] for key in each if not key.endswith("_at")} for each in listed}


def test_every_payment_comes_back_and_none_is_made_twice(embedded, shopper, sku):
    kept = paid_order(shopper, sku)
    with backup_of(embedded, "payments") as lost:
        paid, cancelled = paid_order(shopper, sku), paid_order(shopper, sku)
        assert shopper.post(f"/api/v1/orders/{cancelled[0]['id']}/cancel", {}).status_code == 200
        shopper.until_status(cancelled[0], "REFUNDED")
        waiting = shopper.order(sku)
        assert shopper.pay(waiting, DECLINED).status_code == 402
        before = {name: each for name, each in told(shopper).items() if each["status"] != "failed"}
        lost.drop()
        assert shopper.pay(waiting).status_code == 503
        later = shopper.order(sku)
        lost.restore()
        until(lambda: lost.stack.script("reconcile", "adopt", "--since", lost.since).returncode == 0, 60)
        lost.run("process", "start", "payments")
        until_ready(embedded, "payments", "payments-worker")
        until(lambda: told(shopper) == before)
    assert {kept[1]["id"], paid[1]["id"], cancelled[1]["id"]} == set(before)
    assert [shopper.status(order) for order, _ in (kept, paid, cancelled)] == ["PAID", "PAID", "REFUNDED"]
    assert shopper.pay(paid[0]).status_code == 409
    for order in (waiting, later):
        assert until(lambda order=order: shopper.pay(order)).status_code == 201
        shopper.until_status(order, "PAID")
    compared = embedded.script("reconcile")
    assert (compared.returncode, compared.stdout.splitlines()[-1]) == (0, "The books agree."), compared.stdout
