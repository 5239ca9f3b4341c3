"""Layout of a page: columns of lines in reading order.

Columns are found by cutting a page at its white gaps, first from top to bottom, then from side to side
(the recursive XY cut of Nagy and Seth, 1984).
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ner_documents.reading.pdf_letters import Fragment
from ner_documents.reading.pdf_strings import Letters, is_leftward, logical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Column", "Line", "columns_of", "joined_fragments", "merged"]

_GUTTER = 0.75  # of the font size: narrower gaps do not separate columns
_WORDS = 3.5  # lines with fewer words on average are table cells, not prose
_LONG_WORDS = 2.5
_TALL = 50  # bands: in taller tables, not every row is tried as the first one of columns
_LEAD = 2  # lines by which one column may begin above the other
_RAISED = 0.15
_ITEM = 5  # maximum length of the mark or number of an item
_MARK = 8  # maximum length of a footnote mark
_INITIAL = 1.8  # times the following font size: a drop cap
_ROW = 2.4  # of the font size: a row is not farther from the last line of a cell above it
_LEADING = 1.4  # of the font size: the lines of a cell are not farther apart
_BREAK = 2.2  # of the font size: a taller gap across all columns ends them
_DEPTH = 40


class Line(NamedTuple):
    """One line of a column; the cells of a table row stand in one line."""

    x0: float
    y0: float
    x1: float
    y1: float
    cells: tuple[Fragment, ...]

    @property
    def text(self) -> Letters:
        """The texts of its cells."""
        return Letters(" ").join(cell.text for cell in self.cells)

    @property
    def size(self) -> float:
        """The size of its largest letters."""
        return max(cell.size for cell in self.cells)


class Column(NamedTuple):
    """Lines below each other, whether they are table rows, and the right margin."""

    lines: list[Line]
    table: bool
    right: float


def joined_fragments(page: Sequence[Fragment]) -> list[Fragment]:
    """Join fragments that touch on one line: a bold word, a letter of another font, a footnote's mark."""
    lines: list[list[Fragment]] = []
    mains: list[Fragment] = []  # the longest fragment of each line determines its height
    for one in sorted(page, key=lambda one: (-round((one.y0 + one.y1) / 2), one.x0)):
        near = range(len(lines) - 1, max(len(lines) - 5, -1), -1)
        index = next((index for index in near if _side_by_side(mains[index], one)), None)
        if index is None:
            lines.append([one])
            mains.append(one)
            continue
        lines[index].append(one)
        if len(one.text) > len(mains[index].text):
            mains[index] = one
    out: list[Fragment] = []
    for line in lines:
        line.sort(key=lambda one: one.x0)
        current = line[0]
        for one in line[1:]:
            gap = one.x0 - current.x1
            size = max(current.size, one.size)
            if -size < gap < 0.75 * size:
                apart = gap > 0.12 * size or _is_mark(one, current) or _is_mark(current, one)
                if len(current.text) == 1 and current.size > _INITIAL * one.size:
                    apart, size, current = False, one.size, current._replace(y0=one.y0, y1=one.y1)
                space = " " if apart and not current.text.endswith(" ") else ""
                current = Fragment(*_box(current, one), Letters(space).join((current.text, one.text)), size)
            else:
                out.append(current)
                current = one
        out.append(current)
    return [one._replace(text=logical(one.text)) for one in out]


def _side_by_side(one: Fragment, other: Fragment) -> bool:
    """Return whether two fragments are on one line: the middle of one is level with the other."""
    middle, others = (one.y0 + one.y1) / 2, (other.y0 + other.y1) / 2
    return one.y0 <= others <= one.y1 or other.y0 <= middle <= other.y1


def _is_mark(one: Fragment, word: Fragment) -> bool:
    """Return whether a fragment is a footnote mark beside a word: small, raised and not part of it."""
    if one.size > 0.85 * word.size or one.y0 < word.y0 + 0.1 * word.size or len(one.text) > _MARK:
        return False
    if one.x0 < word.x0:
        return word.text[0].isalpha()
    return (
        word.text[-1].islower() if len(one.text) == 1 else word.text[-1].isalpha() and not one.text.isalpha()
    )


def columns_of(region: Sequence[Fragment], depth: int = _DEPTH) -> Iterator[Column]:
    """Yield columns one after the other, with full-width lines above, between and below them."""
    bands = _bands(region)
    ends = sorted(one.x1 for one in region)
    right = ends[-1 - len(ends) // 20] if ends else 0.0  # ignore a few overlong lines
    single: list[Fragment] = []
    index = 0
    while index < len(bands):
        end, gutter = _stretch_of_columns(bands, index) if depth else (index + 1, None)
        stretch = [one for band in bands[index:end] for one in band]
        if gutter is None:
            single += stretch
            index = end
            continue
        yield from _stretches(_lines(single), right)
        single = []
        sides = _parted(stretch, gutter)
        for side in reversed(sides) if _is_leftward(stretch) else sides:
            yield from columns_of(side, depth - 1)
        index = end
    yield from _stretches(_lines(single), right)


def _bands(region: Sequence[Fragment]) -> list[list[Fragment]]:
    """Split a region into horizontal bands at its empty rows."""
    bands: list[list[Fragment]] = []
    low = 0.0
    for one in sorted(region, key=lambda one: -one.y1):
        if bands and one.y1 > low:
            bands[-1].append(one)
            low = min(low, one.y0)
        else:
            bands.append([one])
            low = one.y0
    return bands


def _stretch_of_columns(bands: Sequence[list[Fragment]], first: int) -> tuple[int, float | None]:
    """Find consecutive bands that share a vertical gap.

    Returns
    -------
    int, float or None
        Where to go on, and the middle of the gap; None if it does not separate columns.
    """
    taken: list[tuple[float, float]] = []
    end, gutter = first, None
    region: list[Fragment] = []
    low = math.inf
    while end < len(bands):
        grown = merged([*taken, *((one.x0, one.x1) for one in bands[end])])
        size = statistics.median(one.size for one in bands[end])
        found = _gutter(grown, _GUTTER * size)
        if region and low - bands[end][0].y1 > _BREAK * size:
            break
        if found is None and (gutter is not None or end - first == _LEAD):
            break
        taken, gutter = grown, found
        region += bands[end]
        low = min(one.y0 for one in bands[end])
        end += 1
    if gutter is not None and _are_columns(region, gutter):
        return end, gutter
    return first + 1 + (end - first) // _TALL, None


def _are_columns(region: Sequence[Fragment], gutter: float) -> bool:
    """Return whether both sides of a gap are columns of prose, or split into such columns."""
    sides = _parted(region, gutter)
    if _are_unaligned(*map(_lines, sides)):
        return True
    for side in sides:
        size = statistics.median(one.size for one in side)
        inner = _gutter(merged([(one.x0, one.x1) for one in side]), _GUTTER * size)
        if inner is not None and _are_justified(_lines(side)):
            inner = None
        if not (_is_prose(side) if inner is None else _are_columns(side, inner)):
            return False
    return True


def _parted(region: Sequence[Fragment], gutter: float) -> tuple[list[Fragment], list[Fragment]]:
    return [one for one in region if one.x1 <= gutter], [one for one in region if one.x1 > gutter]


def _are_unaligned(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """Return whether the baselines of two columns differ, so that their lines are not table rows."""
    if min(len(left), len(right)) < 3 or len(left) + len(right) < 8:
        return False
    fewer, more = sorted((left, right), key=len)
    levels = sorted(line.y0 for line in more)
    aligned = 0
    for one in fewer:
        slack = _RAISED * one.size
        aligned += bisect_left(levels, one.y0 - slack) < bisect_right(levels, one.y0 + slack)
    return aligned * 3 < len(fewer)


def merged(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join spans that overlap or touch."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _gutter(taken: Sequence[tuple[float, float]], least: float) -> float | None:
    """Find the middle of the widest gap between spans, None where there is none that is wide enough."""
    gaps = [(after[0] - before[1], (before[1] + after[0]) / 2) for before, after in pairwise(taken)]
    width, middle = max(gaps, default=(0.0, 0.0))
    return middle if width >= least else None


def _is_leftward(region: Sequence[Fragment]) -> bool:
    """Return whether most of the text is right-to-left."""
    return sum(len(one.text) * (1 if is_leftward(one.text) else -1) for one in region) > 0


def _is_prose(region: Sequence[Fragment]) -> bool:
    """Return whether fragments are the lines of a column, not the cells of a table's column."""
    lines = _lines(region)
    if len(lines) < 3:
        return False
    text = " ".join(line.text for line in lines)
    words = len(text.split()) / len(lines)
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    filled = statistics.median(line.x1 - line.x0 for line in lines) / width
    if words < _WORDS:  # long words fill the lines of a narrow column; so do dates and amounts in tables
        return words >= _LONG_WORDS and filled > 0.85 and sum(map(str.isdigit, text)) < 0.1 * len(text)
    return filled > 0.5


def _lines(region: Sequence[Fragment]) -> list[Line]:
    """Group fragments side by side into lines, from top to bottom."""
    rows: list[list[Fragment]] = []
    for one in sorted(region, key=lambda one: (-(one.y0 + one.y1), one.x0)):
        middle = (one.y0 + one.y1) / 2
        if rows and any(other.y0 <= middle <= other.y1 for other in rows[-1]):
            rows[-1].append(one)
        else:
            rows.append([one])
    return [Line(*_box(*row), tuple(sorted(row, key=lambda one: one.x0))) for row in rows]


def _box(*fragments: Fragment) -> tuple[float, float, float, float]:
    """Return the box around fragments."""
    x0, y0, x1, y1, *_ = zip(*fragments, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _stretches(lines: list[Line], right: float) -> Iterator[Column]:
    """Separate tables from the lines around them."""
    plain: list[Line] = []
    index = 0
    while index < len(lines):
        end = _end_of_table(lines, index)
        table = lines[index:end]
        if end - index < 2 or _are_justified(table):
            plain += table
        else:
            if plain:
                yield Column(plain, False, right)
            yield Column(table, True, right)
            plain = []
        index = end
    if plain:
        yield Column(plain, False, right)


def _end_of_table(lines: Sequence[Line], first: int) -> int:
    """Return the end of lines that share a vertical gap, at least two of which have several cells.

    The others are further lines of cells, and so close to their neighbours. Without such lines, the table
    ends after its first line.
    """
    taken: list[tuple[float, float]] = []
    end = first + 1
    several = 0
    for index in range(first, len(lines) if len(lines[first].cells) > 1 else first):
        line = lines[index]
        around = [above.y0 - below.y0 for above, below in pairwise(lines[max(index - 1, first) : index + 2])]
        single = len(line.cells) == 1
        if single and (_is_item(lines[end - 1]) or min(around, default=math.inf) > _LEADING * line.size):
            break
        alone = index > first and len(lines[index - 1].cells) == 1
        if alone and around[0] > _ROW * line.size:
            break
        taken = merged([*taken, *((cell.x0, cell.x1) for cell in line.cells)])
        if _gutter(taken, _GUTTER * line.size) is None:
            break
        several += not single
        if not single or (end == index and around[0] <= _LEADING * line.size):
            end = index + 1
    return end if several > 1 else first + 1


def _is_item(line: Line) -> bool:
    """Return whether a line is a mark or a number, and text."""
    return len(line.cells) == 2 and len(line.cells[0].text) <= _ITEM


def _are_justified(lines: Sequence[Line]) -> bool:
    """Return whether most lines have equal gaps, but do not begin their cells below each other."""
    starts = [round(cell.x0) for line in lines for cell in line.cells[1:]]
    return sum(map(_has_equal_gaps, lines)) * 2 > len(lines) and len(set(starts)) * 2 > len(starts)


def _has_equal_gaps(line: Line) -> bool:
    gaps = [after.x0 - before.x1 for before, after in pairwise(line.cells)]
    return len(gaps) > 1 and max(gaps) - min(gaps) < 0.2 * line.size
