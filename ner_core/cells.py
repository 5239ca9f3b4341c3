"""Columns of tables, lists and forms: cells that hold the same kind of thing.

Rows that follow each other are a block: rows of a table, items of a list, lines of a form, short lines. A
sentence or a paragraph ends it. Cells of a block are in one column if they have the same place in rows of the
same number of cells, and are all items of a list, all after the same key (``City:``), or neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ner_core.characters import LEFT_OUT, rendered
from ner_core.segments import ITEM, KEY, LINE_BREAK, MOST_WORDS, SENTENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["LEAST_CELLS", "Cell", "find_cells"]

#: Fewer cells do not make a column.
LEAST_CELLS = 3
# What stands before the items of a list, whatever their mark.
_ITEM = "-"
# Longer ones are sentences rather than names.
_MOST_CHARACTERS = 60
# A long table is several blocks, so that a long text can be cut between them.
_MOST_ROWS = 50
_LONG_BLOCK = 4_000


class Cell(NamedTuple):
    """What a segment is in a table, a list or a form.

    Attributes
    ----------
    start : int
        Where its content begins, after the mark of an item or the key of a form.
    column : int
        Number of its column in the text, -1 where it is in none.
    block : int
        Number of its block, -1 where it is in none.
    first : bool
        Whether it is in the first row of a block and not alone there: the row may be a heading.
    marked : bool
        Whether the mark of an item stands before it.
    """

    start: int
    column: int
    block: int
    first: bool = False
    marked: bool = False


def find_cells(text: str, segments: Sequence[tuple[int, int]]) -> list[Cell]:
    r"""Find the columns of a text.

    Parameters
    ----------
    text : str
        Any text.
    segments : sequence of (int, int)
        Its segments in order, see `ner_core.segments`.

    Returns
    -------
    list of Cell
        One for each segment.

    Examples
    --------
    >>> segments = [(0, 6), (7, 12), (13, 18), (19, 23)]
    >>> [cell.column for cell in find_cells("- Mary\n- Bob\nParis\tAcme", segments)]
    [0, 0, 1, 2]
    """
    text = rendered(text)
    cells: list[Cell] = []
    columns: dict[tuple[int, int, int, str], int] = {}
    block = rows = begin = 0
    for row in _rows(text, segments):
        found = [_content(text, start, end, alone=len(row) == 1) for start, end in row]
        if all(content is None for content in found):
            cells += [Cell(start, -1, -1) for start, _ in row]
            block, rows = block + 1, 0
            continue
        if not rows:
            begin = row[0][0]
        key = ""  # of this cell, or of one before it in the row: Cities: Porto, Lyon
        for place, (content, (start, _)) in enumerate(zip(found, row, strict=True)):
            if content is None:
                cells.append(Cell(start, -1, block))
            else:
                begin_of_content, before = content
                key = key if before in ("", _ITEM) else before
                keyed = before != _ITEM and key != ""
                width, position = (0, 0) if keyed else (len(row), place)
                column = columns.setdefault((block, width, position, key if keyed else before), len(columns))
                first = len(row) > 1 and not rows and not keyed
                cells.append(Cell(begin_of_content, column, block, first, before == _ITEM))
        rows += 1
        if rows == _MOST_ROWS or row[-1][1] - begin > _LONG_BLOCK:
            block, rows = block + 1, 0
    return cells


def _rows(text: str, segments: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the segments of each line; one of several lines begins a row."""
    row: list[tuple[int, int]] = []
    for segment in segments:
        if row and LINE_BREAK.search(text, row[-1][0], segment[0]):
            yield row
            row = []
        row.append(segment)
    if row:
        yield row


def _content(text: str, start: int, end: int, *, alone: bool) -> tuple[int, str] | None:
    """Return where the content of a cell begins, and the key or mark before it; None for a sentence."""
    mark = ITEM.match(text, start, end)
    key = KEY.match(text, start, end) if mark is None else None
    before = mark or key
    begin = before.end() if before else start
    if not 0 < end - begin <= _MOST_CHARACTERS:
        return None
    content = text[begin:end]
    if len(content.split()) > MOST_WORDS or LINE_BREAK.search(content):
        return None
    if alone and SENTENCE.search(content):
        return None
    return begin, _ITEM if mark else key[0].replace(LEFT_OUT, "").strip() if key else ""
