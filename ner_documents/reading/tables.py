"""CSV and TSV as spreadsheet programs read them: delimiter and header are detected, quotes repaired.

https://www.rfc-editor.org/rfc/rfc4180. At a quote that is never closed, the csv module silently reads the
rest of the file as one row; here that row is reported, and reading continues with the next line.
"""

from __future__ import annotations

import itertools
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ner_documents.document import Problem
from ner_documents.reading.lines import TextLine, text_lines
from ner_documents.reading.records import (
    EXCERPT,
    MAX_COLUMNS,
    Row,
    above_table,
    column_letters,
    documents_of,
    header_of,
    title_rows,
    too_long,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["delimiter_of", "read_csv", "read_tsv"]

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 200_000
# How many lines a quoted cell may span; halved after each quote that is never closed, so that a file full of
# them is still read in linear time.
_LINES_OF_A_CELL = 10_000
_FEWEST_LINES = 50


class _Record(NamedTuple):
    """One row: the number of its first line, its cells, its first bytes."""

    number: int
    cells: list[str]
    raw: bytes


def read_csv(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a table delimited by commas, semicolons, tabs or bars; one document per row."""
    yield from _read(stream, source, options, None)


def read_tsv(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a table delimited by tabs; one document per row."""
    yield from _read(stream, source, options, "\t")


def _read(stream: BinaryIO, source: str, options: ReadOptions, delimiter: str | None) -> Iterator[Item]:
    lines = text_lines(stream, source, options)
    first: list[TextLine | Problem] = []
    characters = 0
    for line in lines:
        first.append(line)
        characters += len(line.text) if isinstance(line, TextLine) else 0
        if len(first) >= _SAMPLE_LINES or characters >= _SAMPLE_CHARACTERS:
            break
    top = [line for line in first if isinstance(line, TextLine)]
    filled = [line for line in top if line.text.strip()]
    if not filled:
        yield from (line for line in first if isinstance(line, Problem))
        return
    delimiter, above = _top_of_table([line.text for line in top], options, delimiter)
    for line in filled[:above]:
        first.remove(line)
        if not _declared_delimiter(line.text):
            yield above_table(line.text, source, line.number, line.raw)
    records = _records(itertools.chain(first, lines), source, delimiter, options)
    yield from documents_of(_rows(records, source, options), source, options)


def _rows(records: Iterator[_Record | Problem], source: str, options: ReadOptions) -> Iterator[Row | Problem]:
    """Name the cells of the records after the header."""
    ahead = list(itertools.islice(records, 20))
    top = [record for record in ahead if isinstance(record, _Record)]
    if not top:
        yield from (record for record in ahead if isinstance(record, Problem))
        return
    if any(isinstance(record, Problem) and record.lost and record.line == 1 for record in ahead):
        yield from (record for record in ahead if isinstance(record, Problem) and record.line == 1)
        yield Problem(source, None, "the header cannot be read, so neither can the rows")
        return
    gaps = [n for n, (before, record) in enumerate(pairwise(top), 1) if record.number > _end_of(before)]
    for title in top[: title_rows([record.cells for record in top], options, gaps)]:
        yield above_table(" ".join(title.cells), source, title.number, title.raw)
        ahead.remove(title)
        top.remove(title)
    width = len(top[0].cells)
    if max(width, *(len(record.cells) for record in top)) > MAX_COLUMNS:
        yield Problem(source, top[0].number, f"expected up to {MAX_COLUMNS:,} columns, found more")
        return
    names = header_of(top[0].cells, [record.cells for record in top[1:]], options)
    if names is None:
        width = max(len(record.cells) for record in top)
        names = [column_letters(index) for index in range(width)]
        yield Problem(source, None, "has no header; its columns are called A, B, C, …", lost=False)
    else:
        ahead.remove(top[0])
        if not any(isinstance(record, _Record) for record in ahead):
            ahead += itertools.islice(records, 20)
    wanted = (options.column or "text").casefold()
    twice = [name for name in top[0].cells if name.strip().casefold() == wanted]
    if len(twice) > 1:
        yield Problem(source, top[0].number, f"column {twice[0]!r} occurs twice in the header; rename one")
        return
    if not any(isinstance(record, _Record) for record in ahead):
        missing = options.column is not None and wanted not in (name.casefold() for name in names)
        if missing or options.into in names:
            ahead.append(_Record(top[0].number, [""] * len(names), top[0].raw))  # reported by its columns
    for record in itertools.chain(ahead, records):
        yield record if isinstance(record, Problem) else _row(record, names, source)


def _end_of(record: _Record) -> int:
    """Return the number of the line after a row, whose cells may span several lines."""
    return record.number + 1 + sum(cell.count("\n") for cell in record.cells)


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
    lines = iter(lines)
    waiting: deque[TextLine | Problem] = deque()
    longest = _LINES_OF_A_CELL
    while True:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        if isinstance(line, Problem):
            yield line
            continue
        if not line.text.strip():
            continue
        if '"' not in line.text:
            yield _Record(line.number, line.text.split(delimiter), line.raw)
            continue
        cells, opened = _cells(line.text, delimiter)
        if opened is None:
            yield _Record(line.number, cells, line.raw)
            continue
        held: list[TextLine | Problem] = []
        record = _continued(
            line, cells, opened, delimiter, itertools.chain(_drained(waiting), lines), held, longest
        )
        if record is None:
            waiting.extendleft(reversed(held))
            longest = max(longest // 2, _FEWEST_LINES)
            reason = "expected a row of a table, found a quote that is not closed"
            yield Problem(source, line.number, reason, line.raw)
        elif sum(map(len, record.cells)) > options.limit:
            yield too_long(source, line.number, options.limit, line.raw)
        else:
            yield from (one for one in held if isinstance(one, Problem))
            yield record


def _drained(waiting: deque[TextLine | Problem]) -> Iterator[TextLine | Problem]:
    while waiting:
        yield waiting.popleft()


def _continued(
    line: TextLine,
    cells: list[str],
    opened: str,
    delimiter: str,
    lines: Iterator[TextLine | Problem],
    held: list[TextLine | Problem],
    longest: int,
) -> _Record | None:
    """Continue a quoted cell that is open at the end of its line; None if it is never closed.

    A quote closes a cell only before a delimiter or a line end; any other quote belongs to another row.
    """
    parts = [opened]
    raw = bytearray(line.raw)
    for following in itertools.islice(lines, longest):
        held.append(following)
        if isinstance(following, Problem):
            return None
        if len(raw) < EXCERPT:
            raw += b"\n" + following.raw
        content, end = _quoted(following.text, 0)
        parts.append(content)
        if end is None:
            continue
        if end < len(following.text) and following.text[end] != delimiter:
            return None
        cells.append("\n".join(parts))
        if end == len(following.text):
            return _Record(line.number, cells, bytes(raw[:EXCERPT]))
        more, opened_again = _cells(following.text[end + 1 :], delimiter)
        cells += more
        if opened_again is None:
            return _Record(line.number, cells, bytes(raw[:EXCERPT]))
        parts = [opened_again]
    return None


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
            content, end = _quoted(text, quote + 1)
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
        end = _quoted(text, quote + 1)[1]
        if end is not None and (end == len(text) or text[end] == delimiter):
            return quote
    return -1


def _quoted(text: str, position: int) -> tuple[str, int | None]:
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


def _filled(cells: Sequence[str]) -> int:
    """Count the cells up to the last one that is not blank."""
    count = len(cells)
    while count > 1 and not cells[count - 1].strip():
        count -= 1
    return count


def delimiter_of(lines: Sequence[str], options: ReadOptions) -> str:
    r"""Detect the delimiter from the first lines of a file, whatever is above its table.

    Examples
    --------
    >>> from ner_documents.reading.records import ReadOptions
    >>> delimiter_of(["# made by A, B", "a;b", "1;2"], ReadOptions())
    ';'
    >>> delimiter_of(["Report", "", "a;b", "1;2"], ReadOptions())
    ';'
    """
    return _top_of_table(lines, options)[0]


def _top_of_table(
    lines: Sequence[str], options: ReadOptions, delimiter: str | None = None
) -> tuple[str, int]:
    """Return the delimiter, detected unless given, and the number of lines above the header.

    These are a line that names the delimiter, and comments; empty lines are not counted. A line with as many
    cells as the next is the header itself, even when it begins with ``#``.
    """
    filled = [line for line in lines if line.strip()]
    if filled and (told := _declared_delimiter(filled[0])):
        return told, 1 + _top_of_table(lines[lines.index(filled[0]) + 1 :], options, told)[1]
    above = next((n for n, line in enumerate(filled) if not line.startswith("#")), 0)
    wanted = (options.column or "text").casefold()
    if delimiter is None:
        delimiter = _delimiter_of(filled[above:], options)
        body = list(itertools.dropwhile(lambda line: not line.strip() or line.startswith("#"), lines))
        title = list(itertools.takewhile(str.strip, body))
        if delimiter == "\0" and wanted not in (line.strip().casefold() for line in title):
            delimiter = _delimiter_of(body[len(title) :], options)
    while 0 < above < len(filled):
        last, header = (
            [cell.strip().casefold() for cell in _cells(filled[n], delimiter)[0]] for n in (above - 1, above)
        )
        if wanted not in last and (len(last) != len(header) or wanted in header):
            return delimiter, above
        above -= 1
    return delimiter, 0


def _declared_delimiter(line: str) -> str:
    """Return the delimiter that a line such as ``sep=;`` declares, or an empty string."""
    return line[4] if line.casefold().startswith("sep=") and len(line) == 5 else ""


def _delimiter_of(sample: Sequence[str], options: ReadOptions) -> str:
    r"""Choose the delimiter that splits the rows like the first one; NUL for a single column.

    Examples
    --------
    >>> from ner_documents.reading.records import ReadOptions
    >>> _delimiter_of(["a;b", "1;2,5", "3;4,5"], ReadOptions())
    ';'
    >>> _delimiter_of(["text", "Mary, Bob", "x, y, z"], ReadOptions())
    '\x00'
    """
    best, found = 0.0, "\0"
    for delimiter in _DELIMITERS:
        records = [
            record
            for record in _records(
                [TextLine(n, text, b"") for n, text in enumerate(sample, 1)], "", delimiter, options
            )
            if isinstance(record, _Record)
        ]
        if not records or len(records[0].cells) < 2:
            continue
        width = len(records[0].cells)
        header = [cell.strip() for cell in records[0].cells]
        named = all(cell and len(cell) < 40 and cell.strip(" .!?") == cell for cell in records[0].cells)
        named = named or (options.column or "text") in header
        counts = [_filled(record.cells) for record in records[1:]]
        if named:  # rows of one cell are short, and so are rows whose last cells are empty
            counts = [count for count in counts if count > 1]
        fits = (count == width or (named and count < width) for count in counts)
        equal = sum(fits) / len(counts) if counts else 1.0
        score = equal + width / 1_000_000
        if equal >= (0.2 if named else 0.8) and score > best:
            best, found = score, delimiter
    return found
