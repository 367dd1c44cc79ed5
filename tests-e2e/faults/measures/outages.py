"""Outages: what orders do while the broker is away, or its disk is full."""

import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from shop import until

from faults.checker import Verdict, check
from faults.crowd import Crowd
from faults.history import History, Told
from faults.laboratory import Laboratory
from faults.market import Market
from faults.measures import Measure
from faults.strikes import GROUPS

SHOPPERS, PACE_SECONDS = 10, 0.5
HALF_A_CROWD_SECONDS, AWAY_SECONDS = 15, 5
ROOM_BYTES, LEFT_BYTES = 32 * 1024 * 1024, 32 * 1024
RECOVERED_SECONDS = 15


def without_broker(lab: Laboratory, seed: int, file: Path, seconds: float) -> Measure:
    """Stop NATS while a crowd shops; compare how many orders are taken at the first try, with and without it."""
    crowd, history, market = _shopping(lab, seed, file)
    time.sleep(min(seconds, 20))
    lab.control("stop", GROUPS["nats"])
    gone_at = time.time()
    time.sleep(seconds)
    back_at = time.time()
    lab.control("start", GROUPS["nats"])
    with_broker = success([told for told in history if told.at < gone_at])
    without = success([told for told in history if gone_at <= told.at < back_at])
    crowd.stop()
    verdict = check(lab, history, market)
    return Measure(
        f"broker down for {seconds:.0f} s",
        "order success unchanged",
        f"{with_broker} before, {without} meanwhile; {verdict.count} violations, "
        f"all caught up {verdict.seconds:.1f} s after the last shopper",
        with_broker.startswith("100.0 %") and without.startswith("100.0 %") and not verdict.count,
    )


def success(told: list[Told]) -> str:
    """Say how many orders were taken at the first try."""
    first = [each for each in told if each.operation == "place" and each.try_number == 1]
    good = [each for each in first if each.done or each.code == "request_in_progress"]
    return f"{100 * len(good) / max(len(first), 1):.1f} % of {len(first):,} orders"


def lost_store(lab: Laboratory, seed: int, file: Path) -> Measure:
    """Take the broker's disk away while a crowd shops, and start it with an empty one."""
    crowd, history, market = _shopping(lab, seed, file)
    time.sleep(HALF_A_CROWD_SECONDS)
    lab.control("stop", GROUPS["nats"])
    gone_at, store = time.time(), Path(lab.setting("nats", "NATS_STORE"))
    kept = sum(each.stat().st_size for each in store.rglob("*"))
    shutil.rmtree(store)
    time.sleep(AWAY_SECONDS)
    lab.control("start", GROUPS["nats"])
    time.sleep(HALF_A_CROWD_SECONDS)
    before = success([told for told in history if told.at < gone_at])
    since = success([told for told in history if told.at >= gone_at])
    crowd.stop()
    verdict = check(lab, history, market)
    return Measure(
        "the broker starts again with an empty disk",
        "order success unchanged, everything is delivered",
        f"{kept // 1024:,} KiB lost; {before} before, {since} since; {verdict.count} violations, "
        f"all caught up {verdict.seconds:.1f} s after the last shopper",
        kept > 0 and all(each.startswith("100.0 %") for each in (before, since)) and not verdict.count,
    )


def full_store(
    lab: Laboratory, seed: int, file: Path, seconds: float, tell: Callable[[str], None]
) -> Measure:
    """Fill the disk under NATS while a crowd shops, then make room. Needs the right to mount."""
    name, wanted = f"disk under NATS full for {seconds:.0f} s", "orders are taken; all is caught up"
    store = lab.state / "tmpfs"
    store.mkdir()
    there = sum(file.stat().st_size for file in Path(lab.setting("nats", "NATS_STORE")).rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={there + ROOM_BYTES}", "tmpfs", str(store)]
    if subprocess.run(mount, capture_output=True).returncode:
        return Measure(name, wanted, "this needs the right to mount", None)
    try:
        verdict, orders, note = _with_full_store(lab, seed, file, seconds, store)
        tell(str(verdict))
    finally:
        lab.control("stop", GROUPS["nats"])
        subprocess.run(["umount", "-l", str(store)], check=True)
    return Measure(name, wanted, f"{orders}; {verdict.count} violations; {note}", not verdict.count)


def _with_full_store(
    lab: Laboratory, seed: int, file: Path, seconds: float, store: Path
) -> tuple[Verdict, str, str]:
    lab.control("stop", GROUPS["nats"])
    shutil.copytree(lab.setting("nats", "NATS_STORE"), store / "nats")
    lab.tell({"nats": {"NATS_STORE": str(store / "nats")}})
    lab.control("start", GROUPS["nats"])
    lab.until_ready()
    crowd, history, market = _shopping(lab, seed, file)
    time.sleep(2)
    ballast, full_at = store / "ballast", time.time()
    ballast.write_bytes(bytes(max(shutil.disk_usage(store).free - LEFT_BYTES, 0)))
    time.sleep(seconds)
    during = success([told for told in history if told.at >= full_at])
    ballast.unlink()
    crowd.stop()
    verdict = check(lab, history, market, RECOVERED_SECONDS)
    note = "the broker went on by itself"
    if verdict.count:
        lab.control("restart", GROUPS["nats"])
        until(lab.is_ready, RECOVERED_SECONDS)
        verdict, note = check(lab, history, market), "the broker had to be restarted"
    return verdict, during, note


def _shopping(lab: Laboratory, seed: int, file: Path) -> tuple[Crowd, History, Market]:
    chance, history = random.Random(seed), History(file)
    market = Market(lab, chance)
    crowd = Crowd(lab, market, history, seed, SHOPPERS)
    crowd.start(PACE_SECONDS)
    return crowd, history, market
