"""Rows and cells of a table on a page; a cell may have several lines."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from ner_documents.reading.pdf_columns import merged
from ner_documents.reading.pdf_strings import HYPHENS, Letters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ner_documents.reading.pdf_columns import Line
    from ner_documents.reading.pdf_letters import Fragment

__all__ = ["cells_of", "has_room"]

_OVERLAP = 0.75  # of the font size: lines closer than this are side by side, in cells centred vertically
_LEADING = 1.4  # of the font size: lines of one cell are not farther apart
_PADDING = 1.25  # a row begins after a step that is larger by this than those within it
_PROSE = 4  # words in the widest line of a column that is as wide as its cells

_Row = dict[int, list["Fragment"]]


def cells_of(lines: Sequence[Line], right: float) -> Iterator[tuple[tuple[int, int], Letters]]:
    """Yield row and column, and the text of each cell; a cell with several paragraphs, several times."""
    columns = _columns(lines)
    numbered = [_numbered(line, columns) for line in lines]
    widths = {number: _width(numbered, number, columns, right) for row in numbered for number in row}
    steps = [before.y0 - line.y0 for before, line in pairwise(lines)]
    rows = numbered[:1]
    above = max(steps, default=math.inf)
    for step, cells in zip(steps, numbered[1:], strict=True):
        if _goes_on(rows[-1], cells, above / step if step > 0 else math.inf, widths):
            for number, pieces in cells.items():
                rows[-1].setdefault(number, []).extend(pieces)
        else:
            rows.append(cells)
            above = step
    for index, row in enumerate(rows, 1):
        for number, pieces in sorted(row.items()):
            text = pieces[0].text
            for before, piece in pairwise(pieces):
                if _is_broken(before, piece, widths[number]):
                    text = Letters(" ").join((text, piece.text))
                else:
                    yield (index, number + 1), text
                    text = piece.text
            yield (index, number + 1), text


def _columns(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Return the extents of the columns, by the lines with the most cells, and by cells beside these."""
    most = max(len(line.cells) for line in lines)
    found = merged([(cell.x0, cell.x1) for line in lines if len(line.cells) == most for cell in line.cells])
    others = [(cell.x0, cell.x1) for line in lines if len(line.cells) < most for cell in line.cells]
    beside = [one for one in others if not any(start < one[1] and one[0] < end for start, end in found)]
    return merged([*found, *beside])


def _numbered(line: Line, columns: Sequence[tuple[float, float]]) -> _Row:
    """Return the cells of a line by column: the first one that they reach, and each in its own."""
    row: _Row = {}
    for cell in line.cells:
        reached = next((index for index, (_, end) in enumerate(columns) if end > cell.x0), len(columns) - 1)
        row[max(reached, max(row, default=-1) + 1)] = [cell]
    return row


def _goes_on(row: _Row, cells: _Row, above: float, widths: Mapping[int, float]) -> bool:
    """Return whether a line belongs to the row above it.

    Parameters
    ----------
    above : float
        The step above the row, as a multiple of that to the line.
    """
    common = [
        (row[number][-1], pieces[0], widths[number]) for number, pieces in cells.items() if number in row
    ]
    if any(before.y0 - piece.y0 > _LEADING * piece.size for before, piece, _ in common):
        return False
    low = min(piece.y0 for pieces in row.values() for piece in pieces)
    if all(low - pieces[0].y0 < _OVERLAP * pieces[0].size for pieces in cells.values()):
        return True
    if cells.keys() < row.keys():
        return above >= _PADDING or all(_is_broken(*one) for one in common)
    return above >= _PADDING and (row.keys() < cells.keys() or len(row) == len(common) == len(cells) == 1)


def _width(
    numbered: Sequence[_Row], number: int, columns: Sequence[tuple[float, float]], right: float
) -> float:
    """Return how wide the lines in a column can be: as its widest line of prose, or up to the next column."""
    end = columns[number + 1][0] if number + 1 < len(columns) else right
    pieces = [piece for row in numbered for piece in row.get(number, []) if piece.x1 <= end]
    widest = max(pieces, key=lambda piece: piece.x1 - piece.x0, default=None)
    if widest is None or len(widest.text.split()) < _PROSE:
        return end - min(row[number][0].x0 for row in numbered if number in row)
    return widest.x1 - widest.x0


def _is_broken(before: Fragment, after: Fragment, width: float) -> bool:
    """Return whether a line goes on with the line before, into which its first word did not fit."""
    return after.text[:1].islower() or before.text.endswith(HYPHENS) or not has_room(before, after, width)


def has_room(before: Fragment | Line, after: Fragment | Line, width: float) -> bool:
    """Return whether the first word of a line would have fitted into the line before, of a width."""
    word = after.text.split(" ", 1)[0]
    per_letter = (after.x1 - after.x0) / len(after.text)
    return (len(word) + 1) * per_letter <= width - (before.x1 - before.x0)
