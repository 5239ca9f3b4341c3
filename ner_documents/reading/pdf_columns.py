"""Places of letters on a page to columns of lines, in reading order.

Columns are found by cutting a page at its white gaps, first from top to bottom, then from side to side
(the recursive XY cut of Nagy and Seth, 1984).
"""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Column", "Fragment", "Line", "columns_of", "joined_fragments"]

_GUTTER = 0.9  # of the letters' size: narrower gaps are no border of columns
_WORDS = 3.5  # lines of fewer words, on average, are cells and no column of prose
_DEPTH = 40


class Fragment(NamedTuple):
    """Letters in a row: their box in points, y upwards, their text and the size of the font."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    size: float


class Line(NamedTuple):
    """One line of a column; the cells of a table row stand in one line."""

    x0: float
    y0: float
    x1: float
    y1: float
    cells: tuple[Fragment, ...]

    @property
    def text(self) -> str:
        """The texts of its cells."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def size(self) -> float:
        """The size of its largest letters."""
        return max(cell.size for cell in self.cells)


class Column(NamedTuple):
    """Lines below each other, and whether they are rows of a table."""

    lines: list[Line]
    table: bool


def joined_fragments(page: Sequence[Fragment]) -> list[Fragment]:
    """Join fragments that touch on one line: a bold word, a letter of another font."""
    out: list[Fragment] = []
    order = sorted(page, key=lambda one: (-round((one.y0 + one.y1) / 2), one.x0))
    lines: list[list[Fragment]] = []
    for one in order:
        middle = (one.y0 + one.y1) / 2
        line = next((line for line in reversed(lines[-4:]) if line[-1].y0 <= middle <= line[-1].y1), None)
        if line is None:
            lines.append([one])
        else:
            line.append(one)
    for line in lines:
        line.sort(key=lambda one: one.x0)
        current = line[0]
        for one in line[1:]:
            gap = one.x0 - current.x1
            size = max(current.size, one.size)
            if -size < gap < 0.75 * size:
                space = " " if gap > 0.12 * size and not current.text.endswith(" ") else ""
                current = Fragment(
                    current.x0,
                    min(current.y0, one.y0),
                    one.x1,
                    max(current.y1, one.y1),
                    f"{current.text}{space}{one.text}",
                    size,
                )
            else:
                out.append(current)
                current = one
        out.append(current)
    return out


def columns_of(region: list[Fragment], depth: int = _DEPTH) -> Iterator[Column]:
    """Cut a region at its gaps until it is one column, at most so deep."""
    if not region:
        return
    size = statistics.median(one.size for one in region)
    if depth and len(region) > 1:
        gutter = _gutter(region, _GUTTER * size)
        if gutter is not None:
            left = [one for one in region if one.x1 <= gutter]
            right = [one for one in region if one.x1 > gutter]
            if _is_prose(left) and _is_prose(right):
                yield from columns_of(left, depth - 1)
                yield from columns_of(right, depth - 1)
                return
        # A title over two columns hides their gutter: cut it off and look again.
        level = _level_of_columns(region, size)
        if level is not None:
            yield from columns_of([one for one in region if one.y0 >= level], depth - 1)
            yield from columns_of([one for one in region if one.y0 < level], depth - 1)
            return
    yield from _stretches(_lines(region))


def _gutter(region: Sequence[Fragment], least: float) -> float | None:
    """Find the middle of the widest gap from top to bottom, None where there is none that is wide enough."""
    order = sorted((one.x0, one.x1) for one in region)
    reach = order[0][1]
    best: tuple[float, float] | None = None
    for begin, end in order[1:]:
        if begin - reach >= least and (best is None or begin - reach > best[0]):
            best = (begin - reach, (begin + reach) / 2)
        reach = max(reach, end)
    return None if best is None else best[1]


def _is_prose(region: Sequence[Fragment]) -> bool:
    """Return whether fragments are the lines of a column, not the cells of a table's column."""
    if len(region) < 3:
        return False
    words = statistics.fmean(len(one.text.split()) for one in region)
    width = max(one.x1 for one in region) - min(one.x0 for one in region)
    return words >= _WORDS and statistics.median(one.x1 - one.x0 for one in region) > 0.5 * width


def _level_of_columns(region: Sequence[Fragment], size: float) -> float | None:
    """Find a height below, or above, which the lines stand in two columns and on the other side do not."""
    left, right = min(one.x0 for one in region), max(one.x1 for one in region)
    middle = (left + right) / 2
    across = sorted(
        (one for one in region if one.x0 < middle - size and one.x1 > middle + size), key=lambda one: -one.y0
    )
    if not across or len(across) > len(region) * 0.6:
        return None
    rest = [one for one in region if one not in set(across)]
    gutter = _gutter(rest, _GUTTER * size) if len(rest) > 5 else None
    if gutter is None:
        return None
    if not (_is_prose([o for o in rest if o.x1 <= gutter]) and _is_prose([o for o in rest if o.x1 > gutter])):
        return None
    for one in across:
        above = [other for other in rest if other.y0 > one.y0]
        below = [other for other in rest if other.y0 < one.y0]
        if not above and below:
            return one.y0 - 0.01 if one.y0 > min(o.y0 for o in region) else None
        if above:
            return one.y1 + 0.01 if any(other.y0 >= one.y1 + 0.01 for other in region) else None
    return None


def _lines(region: Sequence[Fragment]) -> list[Line]:
    """Group fragments side by side into lines, from top to bottom."""
    rows: list[list[Fragment]] = []
    for one in sorted(region, key=lambda one: (-(one.y0 + one.y1), one.x0)):
        middle = (one.y0 + one.y1) / 2
        if rows and any(other.y0 <= middle <= other.y1 for other in rows[-1]):
            rows[-1].append(one)
        else:
            rows.append([one])
    return [
        Line(
            min(one.x0 for one in row),
            min(one.y0 for one in row),
            max(one.x1 for one in row),
            max(one.y1 for one in row),
            tuple(sorted(row, key=lambda one: one.x0)),
        )
        for row in rows
    ]


def _stretches(lines: list[Line]) -> Iterator[Column]:
    """Part the rows of tables from the lines around them: at least two rows of at least two cells."""
    kinds = []
    for index, line in enumerate(lines):
        beside = [lines[i] for i in (index - 1, index + 1) if 0 <= i < len(lines)]
        several = len(line.cells) > 1 and any(len(other.cells) > 1 for other in beside)
        kinds.append(several)
    for table, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        yield Column([line for _, line in group], table)
