"""The picture: for each figure, how much of what is wanted was reached, as an SVG without any library."""

import math
from collections.abc import Sequence
from html import escape

from benchmarks.figures import Figure, shown

WIDTH, LEFT, RIGHT, LINE, TOP = 1000, 480, 130, 26, 58
LEAST, MOST = 0.25, 4.0
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.small{font-size:11px;fill:#59636e;"
    "paint-order:stroke;stroke:#fff;stroke-width:4px}"
    ".yes{fill:#2da44e}.no{fill:#cf222e}.spread{stroke:#1f2328;stroke-width:1.5}.mark{stroke:#59636e}"
)


def position(share: float) -> float:
    """Return where a share of what is wanted lies: a logarithmic scale, cut at its ends."""
    clipped = min(max(share, LEAST), MOST)
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log(clipped / LEAST) / math.log(MOST / LEAST)


def shares(figure: Figure) -> tuple[float, float]:
    """Return the shares of the worst and the best round."""
    ends = (min(figure.samples), max(figure.samples))
    found = [figure.wanted / max(end, 1e-9) if figure.at_most else end / figure.wanted for end in ends]
    return min(found), max(found)


def bar(figure: Figure, top: float) -> list[str]:
    """Return the elements of one figure's line."""
    middle = top + LINE / 2
    lines = [f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{escape(figure.name)}</text>']
    if figure.reached is None:
        return [*lines, f'<text x="{LEFT + 6}" y="{middle + 4}" class="small">not measured</text>']
    kind, end = "yes" if figure.reached else "no", position(figure.share)
    least, most = map(position, shares(figure))
    value = f"{shown(figure.median, figure.unit)} ({figure.bound.replace('>=', '≥').replace('<=', '≤')})"
    return [
        *lines,
        f'<rect x="{LEFT}" y="{top + 5}" width="{end - LEFT:.1f}" height="{LINE - 10}" class="{kind}"/>',
        f'<line x1="{least:.1f}" x2="{most:.1f}" y1="{middle}" y2="{middle}" class="spread"/>',
        f'<text x="{max(end, most) + 6:.1f}" y="{middle + 4}" class="small">{escape(value)}</text>',
    ]


def draw(figures: Sequence[Figure], subtitle: str) -> str:
    """Return the picture of a run."""
    height = TOP + LINE * len(figures) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img">',
        f"<title>What make bench measured</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        '<text x="16" y="24" font-weight="600">Measured, as a share of what is wanted</text>',
        f'<text x="16" y="43" class="small">{escape(subtitle)}; logarithmic; line: all rounds</text>',
    ]
    for share in (0.25, 0.5, 1, 2, 4):
        x, dashes = position(share), "" if share == 1 else ' stroke-dasharray="2 4"'
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - 26}" class="mark"{dashes}/>'
        )
        parts.append(
            f'<text x="{x:.1f}" y="{height - 10}" class="small" text-anchor="middle">{share:g}x</text>'
        )
    for at, figure in enumerate(figures):
        parts += bar(figure, TOP + LINE * at)
    return "\n".join([*parts, "</svg>", ""])
