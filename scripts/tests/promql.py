"""What an expression in PromQL speaks of: metrics, the labels they are chosen by, the labels that are kept."""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_KEPT = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"(?<![\w:.$])([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?!\s*\(|[\w:])")
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*@(\d+)@")
_WORDS = {
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
}


@dataclass(frozen=True)
class Selector:
    """One metric as an expression chooses its series: (label, operator, value) for each matcher."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(expression: str) -> list[Selector]:
    """Return the metrics an expression names, with their matchers."""
    strings: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        strings.append(re.sub(r"\\(.)", r"\1", found[0][1:-1]))
        return f"@{len(strings) - 1}@"

    bare = _KEPT.sub(" ", re.sub(r"\[[^]]*\]", "", _STRING.sub(put_aside, expression)))
    return [
        Selector(
            found[1],
            tuple((name, how, strings[int(at)]) for name, how, at in _MATCHER.findall(found[2] or "")),
        )
        for found in _SELECTOR.finditer(bare)
        if found[1].lower() not in _WORDS
    ]


def kept_labels(expression: str) -> set[str]:
    """Return the labels that an expression groups or joins by."""
    bare = _STRING.sub("", expression)
    return {name.strip() for found in _KEPT.finditer(bare) for name in found[1].split(",") if name.strip()}
