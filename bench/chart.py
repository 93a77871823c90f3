"""
The ratios of bench/RESULTS.md as horizontal bars, in SVG written by hand.

Colours of middle lightness on no background: readable on a white page and on a dark one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
NAMES: Final = 110  # left of the bars
FIGURES: Final = 50  # right of the longest
ROW: Final = 24
BAR: Final = 14
TOP: Final = 34

_STYLE: Final = """\
text { font: 12px ui-monospace, SFMono-Regular, Menlo, monospace; fill: #7d8590 }
.ahead { fill: #2da44e } .behind { fill: #d4793a }
.even { stroke: #7d8590; stroke-dasharray: 3 3 } .goal { stroke: #7d8590; stroke-width: 3 }"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A scenario's rate ÷ the yardstick's, and what it should be, if anything is demanded."""

    name: str
    ratio: float
    goal: float | None


def chart(bars: Sequence[Bar]) -> str:
    """Return the picture: a dashed line where both are equally fast, a stroke at each goal."""
    longest = max(1.0, *(max(bar.ratio, bar.goal or 0) for bar in bars))
    unit = (WIDTH - NAMES - FIGURES) / longest
    height = TOP + ROW * len(bars) + 10
    even = NAMES + unit
    rows = "\n".join(_row(bar, TOP + ROW * place, unit) for place, bar in enumerate(bars))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">
<title>Operations per second, ours ÷ the Go yardstick's</title>
<style>
{_STYLE}
</style>
<text x="0" y="16">operations per second ÷ the Go yardstick's; ▏ = goal, ┊ = equally fast</text>
{rows}
<line class="even" x1="{even:.1f}" x2="{even:.1f}" y1="{TOP - 8}" y2="{height - 6}"/>
</svg>
"""


def _row(bar: Bar, y: int, unit: float) -> str:
    end, base = NAMES + bar.ratio * unit, y + BAR - 3
    kind = "behind" if bar.ratio < (bar.goal or 1) else "ahead"
    lines = [
        f'<text x="{NAMES - 10}" y="{base}" text-anchor="end">{bar.name}</text>',
        f'<rect class="{kind}" x="{NAMES}" y="{y}" width="{end - NAMES:.1f}" height="{BAR}"/>',
        f'<text x="{end + 6:.1f}" y="{base}">{bar.ratio:.2f}</text>',
    ]
    if bar.goal is not None:
        goal = f"{NAMES + bar.goal * unit:.1f}"
        lines.append(
            f'<line class="goal" x1="{goal}" x2="{goal}" y1="{y - 3}" y2="{y + BAR + 3}"/>'
        )
    return "\n".join(lines)
