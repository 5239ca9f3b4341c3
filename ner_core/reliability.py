"""Reliability of scores: how often spans of each score are right, as numbers and as a diagram."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_core.rendering.characters import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Bin", "calibration_error", "reliability", "reliability_svg", "reliability_text"]

#: Number of score bins, of equal width.
BINS = 10

_TEXT_WIDTH = 40

# Size of the drawing in pixels: side of the plot, and margins.
_SIDE, _LEFT, _TOP, _RIGHT, _BOTTOM = 400, 56, 56, 24, 52


@dataclass(frozen=True)
class Bin:
    """Spans with scores in one interval: their number, mean score, and the share that is right."""

    low: float
    high: float
    count: int
    score: float
    precision: float


def reliability(scores: Iterable[float], right: Iterable[bool]) -> tuple[Bin, ...]:
    """Group spans by score into `BINS` bins of equal width, and leave out empty bins.

    Examples
    --------
    >>> reliability([0.95, 0.97, 0.52], [True, False, True])
    (Bin(low=0.5, high=0.6, count=1, score=0.52, precision=1.0), Bin(low=0.9, high=1.0, count=2, score=0.96,
    precision=0.5))
    """
    sums: dict[int, list[float]] = {}
    for score, good in zip(scores, right, strict=True):
        one = sums.setdefault(min(int(score * BINS), BINS - 1), [0, 0.0, 0.0])
        one[0] += 1
        one[1] += score
        one[2] += bool(good)
    return tuple(
        Bin(index / BINS, (index + 1) / BINS, int(count), total / count, good / count)
        for index, (count, total, good) in sorted(sums.items())
    )


def calibration_error(scores: Iterable[float], right: Iterable[bool]) -> float:
    """Return the expected calibration error [1]_: the mean gap between score and precision over the bins.

    References
    ----------
    .. [1] Naeini, Cooper, Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, 2015.

    Examples
    --------
    >>> round(calibration_error([0.95, 0.97, 0.52], [True, False, True]), 3)
    0.467
    """
    bins = reliability(scores, right)
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.score - one.precision) for one in bins) / total if total else 0.0


def reliability_text(bins: Sequence[Bin]) -> str:
    """Draw the share of right spans in each bin as a bar of characters, with a mark at the mean score."""
    lines = ["   score      spans  right"]
    for one in bins:
        bar = "#" * round(one.precision * _TEXT_WIDTH)
        mark = min(round(one.score * _TEXT_WIDTH), _TEXT_WIDTH - 1)
        drawn = bar.ljust(_TEXT_WIDTH)
        drawn = drawn[:mark] + "|" + drawn[mark + 1 :]
        lines.append(f"{one.low:.1f} to {one.high:.1f}{one.count:>9}  {one.precision:.3f}  {drawn.rstrip()}")
    return "\n".join([*lines, "(#: share of spans that are right; |: their mean score)"])


def reliability_svg(bins: Sequence[Bin], title: str) -> str:
    """Draw the same as SVG, for papers and web pages; it needs no font and no script.

    The height of a bar is the share of its spans that are right, with the number of spans above it; a dot
    marks their mean score. If scores are calibrated probabilities, the dots lie on the diagonal.

    Parameters
    ----------
    bins : sequence of Bin
        The result of `reliability`.
    title : str
        Title above the plot.

    Returns
    -------
    str
        Store it as UTF-8.

    Examples
    --------
    >>> drawing = reliability_svg(reliability([0.95, 0.52], [True, False]), "dev & test")
    >>> drawing.count('class="bar"'), "dev &amp; test" in drawing
    (2, True)
    """
    parts = [f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}"/>']
    parts += [_axis(number / BINS) for number in range(0, BINS + 1, 2)]
    parts += [_bar(one) for one in bins]
    parts.append(f'<path class="even" d="M{_x(0)} {_y(0)} L{_x(1)} {_y(1)}"/>')
    parts += [_dot(one) for one in bins]
    name = html.escape(visible(title))
    told = "; ".join(
        f"score {one.low:.1f} to {one.high:.1f}: {one.count} spans, {one.precision:.3f} right" for one in bins
    )
    middle, width, height = _x(0.5), _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    drawn = "\n".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
 viewBox="0 0 {width} {height}" role="img" aria-labelledby="title told">
<title id="title">{name}</title>
<desc id="told">{told}</desc>
<style>
svg {{ background: #fff; color: #222; font: 12px sans-serif; }}
text {{ fill: currentColor; text-anchor: middle; }}
.title {{ font-size: 14px; }}
.frame, .even, .tick {{ fill: none; stroke: currentColor; }}
.even {{ stroke-dasharray: 4 4; }}
.bar {{ fill: #9ecae1; stroke: #3182bd; }}
.dot {{ fill: #d95f02; }}
.count {{ font-size: 11px; }}
@media (prefers-color-scheme: dark) {{
svg {{ background: #1b1b1b; color: #ddd; }}
.bar {{ fill: #1f4e79; }}
}}
</style>
<text class="title" x="{middle}" y="24">{name}</text>
{drawn}
<text x="{middle}" y="{height - 12}">score (dot: mean of the bin)</text>
<text transform="translate(16 {_y(0.5)}) rotate(-90)">share of spans that are right</text>
</svg>
"""


def _x(value: float) -> float:
    return round(_LEFT + _SIDE * value, 1)


def _y(value: float) -> float:
    return round(_TOP + _SIDE * (1 - value), 1)


def _axis(value: float) -> str:
    """Mark a value at both axes."""
    x, y = _x(value), _y(value)
    bottom = _y(0)
    return (
        f'<path class="tick" d="M{x} {bottom} v5 M{_LEFT} {y} h-5"/>'
        f'<text x="{x}" y="{bottom + 18}">{value:.1f}</text>'
        f'<text x="{_LEFT - 20}" y="{y + 4}">{value:.1f}</text>'
    )


def _bar(one: Bin) -> str:
    left, right, top = _x(one.low), _x(one.high), _y(one.precision)
    size = f'width="{right - left:.1f}" height="{_y(0) - top:.1f}"'
    middle = (left + right) / 2
    return (
        f'<rect class="bar" x="{left}" y="{top}" {size}/>'
        f'<text class="count" x="{middle:.1f}" y="{top - 5:.1f}">{one.count}</text>'
    )


def _dot(one: Bin) -> str:
    return f'<circle class="dot" cx="{_x(one.score)}" cy="{_y(one.precision)}" r="4"/>'
