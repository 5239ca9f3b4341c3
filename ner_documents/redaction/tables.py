"""Tables of files: where their cells are, and how the model reads them.

A model takes ``Austin`` alone for a person. Below ``City``, beside other towns, it is a town: the short cells
of a table are one text, and what is found in it belongs to its cells.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ner_core.entity import Entity, Recognition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ner_documents.redaction.dialects import Dialect
    from ner_documents.redaction.redactor import Recognize
    from ner_documents.redaction.segments import Segment

__all__ = ["Cell", "Table", "cells_of_markup", "in_cells", "recognitions_of", "shared_cells"]

# Longer cells are sentences, which the model reads by themselves.
_LONGEST_CELL = 60
# Rows and characters that are read as one text, below a copy of the first row.
_ROWS = 48
_CHARACTERS = 3_000
# Cells of further columns are read alone: a sheet of a million texts may have a column for each.
_COLUMNS = 100

_REPEATED = re.compile(r"number-(?:columns|rows)-repeated=[\"'](\d{1,7})")
_REFERENCE = re.compile(r"\sr=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_SHARED = re.compile(
    r"<(?:\w+:)?c\b(?=[^<>]*\st=[\"']s[\"'])[^<>]*\sr=[\"'](?P<column>[A-Z]{1,3})(?P<row>\d{1,7})[\"'][^<>]*>"
    r"\s*<(?:\w+:)?v>(?P<number>\d{1,9})<"
)
_STRING = re.compile(r"<(?:\w+:)?si[\s>]")


class Table:
    """A table of a file; it differs from all others.

    Attributes
    ----------
    headings : list of str
        Of its columns; empty where they are in the first row, if there are any.
    """

    def __init__(self, headings: Sequence[str] = ()) -> None:
        self.headings = list(headings)


class Cell(NamedTuple):
    """Where a text is in a table.

    Attributes
    ----------
    table : Table
    row, column : int
        In order; not all of them need to have a text.
    """

    table: Table
    row: int
    column: int


def in_cells(
    segments: Sequence[Segment], starts: Sequence[int], cells: Sequence[Cell | None]
) -> list[Segment]:
    """Return the segments with their cells: those of the last of the `starts` at or before them."""
    around = [None, *cells]  # before the first start there is none
    found = [around[bisect_right(starts, segment.starts[0])] for segment in segments]
    return [
        replace(segment, cell=cell) if cell else segment
        for segment, cell in zip(segments, found, strict=True)
    ]


def cells_of_markup(raw: str, dialect: Dialect) -> tuple[list[int], list[Cell | None]]:
    """Find the cells of the tables of HTML or of a part of an office file.

    Returns
    -------
    list of int, list of (Cell or None)
        Where something begins, and the cell that it is in. End tags of rows and cells may be missing.

    Examples
    --------
    >>> from ner_documents.redaction.dialects import HTML
    >>> starts, cells = cells_of_markup("<table><tr><td>Mary<td>Rome</table>", HTML)
    >>> [cell and cell[1:] for cell in cells]
    [None, None, (0, 0), (0, 1), None]
    """
    if not dialect.tables:
        return [], []
    flags = re.IGNORECASE if dialect.lower else 0
    tag = re.compile(rf"<(/?)(?:[\w.-]+:)?({'|'.join(sorted(dialect.tables))})(?=[\s/>])([^<>]*)>", flags)
    starts: list[int] = []
    cells: list[Cell | None] = []
    around: list[Cell] = []  # the open cell of each open table
    for found in tag.finditer(raw):
        name = found[2].lower() if dialect.lower else found[2]
        closing, level, attributes = found[1], dialect.tables[name], found[3]
        if level == "table":
            if not closing and not attributes.endswith("/"):
                around.append(Cell(Table(), -1, -1))
            elif closing and around:
                around.pop()
        elif around and not closing:
            around[-1] = _next(around[-1], level, attributes)
        starts.append(found.end())
        cells.append(around[-1] if around and not (closing and level != "table") else None)
    return starts, [cell if cell and cell.row >= 0 and cell.column >= 0 else None for cell in cells]


def _next(cell: Cell, level: str, attributes: str) -> Cell:
    """Return where the next row or cell of a table is."""
    if reference := _REFERENCE.search(attributes):
        return Cell(cell.table, int(reference[2]), _column(reference[1]))
    times = _REPEATED.search(attributes)
    step = int(times[1]) if times else 1
    if level == "row":
        return cell._replace(row=cell.row + step, column=-1)
    return cell._replace(column=cell.column + step)


def _column(letters: str) -> int:
    """Return the number of a column of a sheet: A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def shared_cells(strings: str, sheets: Sequence[str]) -> tuple[list[int], list[Cell | None]]:
    """Find the cells of the shared strings of a workbook: where each is used first.

    Parameters
    ----------
    strings : str
        The part that holds them.
    sheets : sequence of str
        Parts of the sheets.
    """
    used: dict[int, Cell] = {}
    for sheet in sheets:
        table = Table()
        for found in _SHARED.finditer(sheet):
            cell = Cell(table, int(found["row"]), _column(found["column"]))
            used.setdefault(int(found["number"]), cell)
    starts = [found.end() for found in _STRING.finditer(strings)]
    return starts, [used.get(number) for number in range(len(starts))]


def recognitions_of(segments: Sequence[Segment], recognize: Recognize) -> list[Recognition]:
    """Run the model on the searched segments; the others have no entities."""
    readings = list(_readings(segments))
    found: dict[int, list[Entity]] = defaultdict(list)
    for reading, recognition in zip(readings, recognize([one.text for one in readings]), strict=True):
        for entity in recognition.entities:
            for number, part in reading.split(entity):
                text = segments[number].text
                found[number].append(replace(part, text=text[part.start : part.end]))
    return [Recognition(one.text, tuple(found[number])) for number, one in enumerate(segments)]


class _Reading(NamedTuple):
    """A text for the model, and where the segments begin that it consists of."""

    text: str
    parts: list[tuple[int, int, int]]  # number of the segment, start and end in the text

    def split(self, entity: Entity) -> Iterator[tuple[int, Entity]]:
        """Yield the segments that an entity is in, and its part of each."""
        first = max(bisect_right(self.parts, entity.start, key=lambda part: part[1]) - 1, 0)
        for number, start, end in self.parts[first:]:
            if start >= entity.end:
                return
            begin, stop = max(entity.start, start), min(entity.end, end)
            if begin < stop:
                yield number, replace(entity, start=begin - start, end=stop - start)


def _readings(segments: Sequence[Segment]) -> Iterator[_Reading]:
    """Yield each searched segment alone, but the short cells of a table together."""
    tables = _short_cells(segments)
    together = {cell for cells in tables.values() for cell in cells}
    for number, segment in enumerate(segments):
        if segment.searched and segment.cell not in together:
            yield _Reading(segment.text, [(number, 0, len(segment.text))])
        elif segment.searched and segment.cell and segment.cell.table in tables:
            yield from _table(segments, segment.cell.table, tables.pop(segment.cell.table))


def _short_cells(segments: Sequence[Segment]) -> dict[Table, dict[Cell, list[int]]]:
    """Return the cells that are read together, with the numbers of their segments."""
    cells: dict[Cell, list[int]] = defaultdict(list)
    for number, segment in enumerate(segments):
        if segment.searched and segment.cell:
            cells[segment.cell].append(number)
    tables: dict[Table, dict[Cell, list[int]]] = defaultdict(dict)
    for cell, numbers in cells.items():
        if sum(len(segments[number].text) + 1 for number in numbers) <= _LONGEST_CELL:
            tables[cell.table][cell] = numbers
    found = {}
    for table, short in tables.items():
        if len(short) > 1 or table.headings:
            last = sorted({cell.column for cell in short})[:_COLUMNS][-1]
            found[table] = {cell: numbers for cell, numbers in short.items() if cell.column <= last}
    return found


def _table(segments: Sequence[Segment], table: Table, cells: Mapping[Cell, list[int]]) -> Iterator[_Reading]:
    """Yield the rows of a table with bars between the cells; parts of a long one repeat its first row."""
    rows: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for cell, numbers in cells.items():
        rows[cell.row][cell.column] = numbers
    columns = sorted({cell.column for cell in cells})
    heads = table.headings
    text, _ = _row([[(-1, heads[column])] for column in columns]) if heads else ("", [])
    heading, count = text, 0
    parts: list[tuple[int, int, int]] = []
    for _, row in sorted(rows.items()):
        line, inside = _row(
            [[(number, segments[number].text) for number in row.get(column, ())] for column in columns]
        )
        if count == _ROWS or (count and len(text) + len(line) > _CHARACTERS):
            yield _Reading(text, parts)
            text, count, parts = heading, 0, []
        heading = heading or line
        parts += [(number, len(text) + start, len(text) + end) for number, start, end in inside]
        text += line
        count += 1
    yield _Reading(text, parts)


def _row(cells: Sequence[Sequence[tuple[int, str]]]) -> tuple[str, list[tuple[int, int, int]]]:
    """Write a row of numbered texts, and return where they are in it; without what would divide a cell."""
    from ner_core.segments import DIVIDERS  # loads numpy, which --help does not need

    line = "|"
    parts = []
    for texts in cells:
        for number, text in texts:
            shown = DIVIDERS.sub(lambda sign: " " * len(sign[0]), text)
            parts.append((number, len(line) + 1, len(line) + 1 + len(shown)))
            line += f" {shown}"
        line += " |"
    return f"{line}\n", parts
