"""CSV and TSV as spreadsheet programs read them: delimiter and header are detected, quotes repaired.

https://www.rfc-editor.org/rfc/rfc4180. At a quote that is never closed, the csv module silently reads the
rest of the file as one row; here that row is reported, and reading continues with the next line.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ner_documents.document import Problem
from ner_documents.reading.lines import TextLine, text_lines
from ner_documents.reading.records import (
    EXCERPT,
    MAX_COLUMNS,
    Row,
    above_table,
    documents_of,
    named_columns,
    title_rows,
    too_long,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["SAMPLE_LINES", "delimiter_of", "quoted", "read_csv", "read_tsv"]

_DELIMITERS = ",;\t|"
#: The first lines decide on the delimiter and the header.
SAMPLE_LINES = 200
# How many lines a quoted cell may span; halved after each quote that is never closed, so that a file full of
# them is still read in linear time.
_LINES_OF_A_CELL = 10_000
_FEWEST_LINES = 50
_ROWS_OF_HEADER = 20  # the first ones decide whether there is a header


class _Record(NamedTuple):
    """One row: the number of its first line, its cells, its first bytes."""

    number: int
    cells: list[str]
    raw: bytes


def read_tsv(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a table delimited by tabs; one document per row."""
    yield from read_csv(stream, source, options, "\t")


def read_csv(stream: BinaryIO, source: str, options: ReadOptions, delimiter: str = "") -> Iterator[Item]:
    """Read a table delimited by commas, semicolons, tabs or bars, if none is given; one document per row."""
    lines = text_lines(stream, source, options)
    first = list(itertools.islice(lines, SAMPLE_LINES))
    top = next((line for line in first if isinstance(line, TextLine) and line.text.strip()), None)
    if top and (told := _declared_delimiter(top.text)):
        delimiter = told
        first.remove(top)
    delimiter = delimiter or delimiter_of(
        [line.text for line in first if isinstance(line, TextLine)], options
    )
    records = _records(itertools.chain(first, lines), source, delimiter, options)
    yield from documents_of(_rows(records, source, delimiter, options), source, options)


def _rows(
    records: Iterator[_Record | Problem], source: str, delimiter: str, options: ReadOptions
) -> Iterator[Row | Problem]:
    """Name the cells of the records after the header."""
    ahead = list(itertools.islice(records, SAMPLE_LINES))
    first = next((one for one in ahead if isinstance(one, _Record) or one.lost), None)
    if not isinstance(first, _Record):
        yield from (one for one in ahead if isinstance(one, Problem) and (one is first or not one.lost))
        if first:
            yield Problem(source, None, "the header cannot be read, so neither can the rows")
        return
    top = [record for record in ahead if isinstance(record, _Record)]
    for title in top[: sum(_above(top, options))]:
        yield above_table(delimiter.join(title.cells).strip(delimiter), source, title.number, title.raw)
        ahead.remove(title)
        top.remove(title)
    top = top[:_ROWS_OF_HEADER]
    if max(len(record.cells) for record in top) > MAX_COLUMNS:
        yield Problem(source, top[0].number, f"expected up to {MAX_COLUMNS:,} columns, found more")
        return
    names, notes = named_columns([record.cells for record in top], options, source)
    yield from notes
    if not notes:
        ahead.remove(top[0])
    wanted = (options.column or "text").casefold()
    twice = [name for name in top[0].cells if name.strip().casefold() == wanted]
    if len(twice) > 1:
        yield Problem(source, top[0].number, f"column {twice[0]!r} occurs twice in the header; rename one")
        return
    for record in itertools.chain(ahead, records):
        yield record if isinstance(record, Problem) else _row(record, names, source)


def _above(records: Sequence[_Record], options: ReadOptions) -> tuple[int, int]:
    """Count the records above the header: comments, and below them titles as in workbooks.

    A comment with as many cells as the next record is the header itself.
    """
    above = next((n for n, record in enumerate(records) if not record.cells[0].startswith("#")), 0)
    rest = records[above:]
    # A cell may span several lines.
    ends = (record.number + 1 + sum(cell.count("\n") for cell in record.cells) for record in rest)
    gaps = [n for n, (end, record) in enumerate(zip(ends, rest[1:], strict=False), 1) if record.number > end]
    if titles := title_rows([record.cells for record in rest], options, gaps):
        return above, titles
    wanted = (options.column or "text").casefold()
    while above:
        last, header = ([cell.strip().casefold() for cell in records[n].cells] for n in (above - 1, above))
        if wanted not in last and (len(last) != len(header) or wanted in header):
            break
        above -= 1
    return above, 0


def _row(record: _Record, names: Sequence[str], source: str) -> Row | Problem:
    cells = record.cells
    while len(cells) > len(names) and not cells[-1].strip():
        cells.pop()
    if len(cells) > len(names):
        reason = f"expected {len(names)} fields as in the header, found {len(cells)}"
        return Problem(source, record.number, reason, record.raw)
    padded = itertools.chain(cells, itertools.repeat(""))
    return Row(record.number, dict(zip(names, padded, strict=False)), record.raw)


def _records(
    lines: Iterable[TextLine | Problem], source: str, delimiter: str, options: ReadOptions
) -> Iterator[_Record | Problem]:
    """Join lines into rows; a row with a quote that is never closed is a problem."""
    rest = iter(lines)
    waiting: deque[TextLine | Problem] = deque()  # lines to be read again
    longest = _LINES_OF_A_CELL
    held: list[TextLine | Problem] = []

    def following() -> Iterator[str]:
        for _ in range(longest):
            line = waiting.popleft() if waiting else next(rest, None)
            if line is not None:
                held.append(line)
            if not isinstance(line, TextLine):
                return
            yield line.text

    while line := waiting.popleft() if waiting else next(rest, None):
        if isinstance(line, Problem):
            yield line
            continue
        if not line.text.replace(delimiter, "").strip():
            continue
        if '"' not in line.text:
            yield _Record(line.number, line.text.split(delimiter), line.raw)
            continue
        held.clear()
        cells = _joined(line.text, delimiter, following())
        if cells is None:
            waiting.extendleft(reversed(held))
            longest = max(longest // 2, _FEWEST_LINES)
            reason = "expected a row of a table, found a quote that is not closed"
            yield Problem(source, line.number, reason, line.raw)
        elif sum(map(len, cells)) > options.limit:
            yield too_long(source, line.number, options.limit, line.raw)
        else:
            raw = b"\n".join(one.raw for one in (line, *held[:EXCERPT]))
            yield _Record(line.number, cells, raw[:EXCERPT])


def _joined(text: str, delimiter: str, following: Iterator[str]) -> list[str] | None:
    """Split a line into cells, with the lines that a quoted cell goes on in; None if it is never closed.

    A quote closes such a cell only before a delimiter or a line end; any other quote belongs to another row.
    """
    cells, opened = _cells(text, delimiter)
    parts = [opened or ""]
    while opened is not None:
        if (line := next(following, None)) is None:
            return None
        content, end = quoted(line, 0)
        parts.append(content)
        if end is None:
            continue
        if end < len(line) and line[end] != delimiter:
            return None
        cells.append("\n".join(parts))
        more, opened = _cells(line[end + 1 :], delimiter) if end < len(line) else ([], None)
        cells += more
        parts = [opened or ""]
    return cells


def _cells(text: str, delimiter: str) -> tuple[list[str], str | None]:
    r"""Split a line into cells; also return the start of a quoted cell that stays open.

    Examples
    --------
    >>> _cells('1,"Mary, ""M"" J",\'x\', 5" pipe', ",")
    (['1', 'Mary, "M" J', "'x'", ' 5" pipe'], None)
    >>> _cells('1,"Mary', ",")
    (['1'], 'Mary')
    """
    cells: list[str] = []
    position = 0
    while True:
        quote = _quote_at(text, position, delimiter)
        if quote >= 0:
            content, end = quoted(text, quote + 1)
            if end is None:
                return cells, content
            border = text.find(delimiter, end)
            cells.append(content + text[end : border if border >= 0 else len(text)])
        else:
            border = text.find(delimiter, position)
            cells.append(text[position : border if border >= 0 else len(text)])
        if border < 0:
            return cells, None
        position = border + 1


def _quote_at(text: str, position: int, delimiter: str) -> int:
    """Return the position of a cell's opening quote, or -1; after a space it must also close the cell."""
    if text.startswith('"', position):
        return position
    if position and text.startswith(' "', position):
        quote = position + 1
        end = quoted(text, quote + 1)[1]
        if end is not None and (end == len(text) or text[end] == delimiter):
            return quote
    return -1


def quoted(text: str, position: int) -> tuple[str, int | None]:
    """Read a quoted cell from after its opening quote; return its content and its end, None if open."""
    parts = []
    while True:
        quote = text.find('"', position)
        if quote < 0:
            parts.append(text[position:])
            return "".join(parts), None
        parts.append(text[position:quote])
        if not text.startswith('"', quote + 1):
            return "".join(parts), quote + 1
        parts.append('"')
        position = quote + 2


def delimiter_of(lines: Sequence[str], options: ReadOptions) -> str:
    r"""Detect the delimiter from the first lines of a file; NUL for a single column.

    It splits the rows like the first one, whatever is above that.

    Examples
    --------
    >>> from ner_documents.reading.records import ReadOptions
    >>> delimiter_of(["# made by A, B", "a;b", "1;2,5", "3;4,5"], ReadOptions())
    ';'
    >>> delimiter_of(["Report", "", "a;b", "1;2"], ReadOptions())
    ';'
    >>> delimiter_of(["text", "Mary, Bob", "x, y, z"], ReadOptions())
    '\x00'
    """
    if told := _declared_delimiter(next(filter(str.strip, lines), "")):
        return told
    found: list[tuple[int, float, str]] = []
    for delimiter in _DELIMITERS:
        sample = [TextLine(n, text, b"") for n, text in enumerate(lines, 1)]
        read = _records(sample, "", delimiter, options)
        records = [record for record in read if isinstance(record, _Record)]
        comments, titles = _above(records, options)
        header, *rows = [record.cells for record in records[comments + titles :]] or [[]]
        width = len(header)
        if width < 2:
            continue
        named = all(cell and len(cell) < 40 and cell.strip(" .!?") == cell for cell in header)
        named = named or (options.column or "text") in map(str.strip, header)
        # Up to the last cell that is not blank.
        counts = [next((n for n in range(len(row), 1, -1) if row[n - 1].strip()), 1) for row in rows]
        if named:  # rows of one cell are short, and so are rows whose last cells are empty
            counts = [count for count in counts if count > 1]
        fits = (count == width or (named and count < width) for count in counts)
        split = not rows or any(len(row) > 1 for row in rows)
        equal = sum(fits) / len(counts) if counts else float(split)
        if equal >= (0.2 if named else 0.8):
            found.append((titles, -equal - width / 1_000_000, delimiter))
    return min(found, key=lambda one: one[:2], default=(0, 0.0, "\0"))[2]


def _declared_delimiter(line: str) -> str:
    """Return the delimiter that a line such as ``sep=;`` declares, or an empty string."""
    return line[4] if line.casefold().startswith("sep=") and len(line) == 5 else ""
