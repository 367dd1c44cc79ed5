"""The report: the table of a run on the screen, and all that was measured as JSON."""

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure, shown
from benchmarks.plan import Plan

LONGEST_REASON = 90  # characters; the rest is in the JSON
COLUMNS = ("figure", "wanted", "median", "spread", "reached")


def row(figure: Figure) -> list[str]:
    """Return a figure's line of the table."""
    name = f"{figure.name} ({figure.note})" if figure.note else figure.name
    if figure.reached is None:
        return [name, figure.bound, "-", (figure.missing or "not measured")[:LONGEST_REASON], "-"]
    reached = "yes" if figure.reached else "NO"
    return [name, figure.bound, shown(figure.median, figure.unit), figure.spread, reached]


def table(figures: Sequence[Figure]) -> str:
    """Return the table of a run, in Markdown with its columns in line."""
    rows = [list(COLUMNS), *(row(figure) for figure in figures)]
    widths = [max(len(each[at]) for each in rows) for at in range(len(COLUMNS))]
    lines = ["| " + " | ".join(map(str.ljust, each, widths)) + " |" for each in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def costs(turns: Sequence[Mapping[str, Any]]) -> str:
    """Return the CPU time of one request by program, in microseconds: the median of each contender's turns."""
    grouped: dict[tuple[str, str], list[Mapping[str, int]]] = {}
    for turn in turns:
        grouped.setdefault((turn["part"], turn["contender"]), []).append(turn["cpu_us"])
    lines = []
    for (part, contender), each in grouped.items():
        names = dict.fromkeys(name for cpu in each for name in cpu)
        shares = [f"{name} {median(cpu.get(name, 0) for cpu in each):.0f}" for name in names]
        lines.append(f"  {part:<9} {contender:<18} {', '.join(shares)}")
    return "\n".join(["CPU time of one request in microseconds:", *lines]) if lines else ""


def write(folder: Path, plan: Plan, figures: Sequence[Figure], turns: Sequence[Mapping[str, Any]]) -> Path:
    """Keep a run as JSON."""
    file = folder / f"{time.strftime('%Y%m%dT%H%M%S')}.json"
    listed = [
        asdict(figure) | {"median": figure.median if figure.samples else None, "reached": figure.reached}
        for figure in figures
    ]
    whole = {"machine": machine(), "plan": asdict(plan), "figures": listed, "turns": list(turns)}
    file.write_text(json.dumps(whole, indent=1))
    return file
