"""Rows with named fields, of a table or of JSON, to documents; and the options of reading."""

from __future__ import annotations

import codecs
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_documents.document import MAX_DOCUMENT_BYTES, CorpusError, Document, Hint, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

__all__ = [
    "EXCERPT",
    "Item",
    "ReadOptions",
    "Row",
    "above_table",
    "documents_of",
    "free_name",
    "named_columns",
    "too_deep",
    "too_long",
    "value_in",
]

Item = Document | Problem

#: Most bytes of what could not be read that a problem keeps.
EXCERPT = 1 << 12
MAX_COLUMNS = 10_000
MAX_DEPTH = 100

# Rows that are looked at before a column is chosen.
_SAMPLE = 100
_DATA = re.compile(r"[-+]?[\d.,:/\s%$€£-]*\d[\d.,:/\s%$€£TZ-]*|\S+@\S+|https?://\S+")
_SENTENCE = re.compile(r".*\w\W+\w+\W+\w+.*[.!?…]\W*", re.DOTALL)
_NAME_LENGTH = 80
_TITLE = 5
_PREAMBLE = 15


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How sources are read; equal options and sources give equal documents.

    Attributes
    ----------
    column : str or None
        Key or column that holds the text: a string, or a list of words; ``data.text`` is the key ``text`` of
        the object ``data``. None for ``text``, or if there is none, the column with the longest texts.
    into : str
        Name of the field that the output adds; a document that already has it is reported.
    lines : bool
        Whether each line of a text file is a document.
    word_column : int or None
        Column of the word in CoNLL files, from 0; None to detect it.
    encoding : str or None
        Text encoding; None to detect it.
    limit : int
        Largest document, in bytes.
    """

    column: str | None = None
    into: str = "entities"
    lines: bool = False
    word_column: int | None = None
    encoding: str | None = None
    limit: int = MAX_DOCUMENT_BYTES

    def __post_init__(self) -> None:
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            msg = f"--encoding {self.encoding}: unknown; expected a name such as utf-8, latin-1 or cp1252"
            raise CorpusError(msg) from None


class Row(NamedTuple):
    """One row or object: its number from 1, its fields, and its first bytes."""

    number: int
    fields: dict[str, Any]
    raw: bytes = b""


def documents_of(
    rows: Iterable[Row | Problem], source: str, options: ReadOptions, *, place: str = "", table: bool = True
) -> Iterator[Item]:
    """Yield a document for each row, or a problem if the field is missing or of a wrong type.

    Parameters
    ----------
    rows : iterable of Row or Problem
        Problems are passed on, in order.
    source, place : str
        For documents and problems.
    options : ReadOptions
        Names the column; else it is chosen from the first hundred rows, with a note.
    table : bool
        All rows have the same columns, so that a wrong column is reported once.
    """
    rows = iter(rows)
    sample = list(itertools.islice(rows, _SAMPLE))
    first = [row for row in sample if isinstance(row, Row)]
    column, note = _choose(first, options.column)
    problem = header_problem(list(first[0].fields), column, options) if table and first else None
    if problem:
        yield from (row for row in sample if isinstance(row, Problem) and row.line == 1)
        reason, hint = problem
        yield Problem(source, None, reason, first[0].raw, place, hint=hint)
        return
    if note:
        several = len(first[0].fields) > 1
        yield Problem(
            source, None, note, place=place, lost=False, hint=Hint.OTHER_COLUMN if several else None
        )
    for row in itertools.chain(sample, rows):
        if table and isinstance(row, Row) and isinstance(row.fields.get(column), (int, float)):
            row.fields[column] = str(row.fields[column])  # a number among texts
        yield row if isinstance(row, Problem) else _document(row, column, source, options, place)


def _choose(rows: Sequence[Row], wanted: str | None) -> tuple[str, str]:
    """Return the column with the text, and a note on the choice."""
    names = list(dict.fromkeys(name for row in rows for name in row.fields))
    if wanted is not None:
        if wanted in names or any(value_in(row.fields, wanted) is not _MISSING for row in rows):
            return wanted, ""
        return next((name for name in names if name.casefold() == wanted.strip().casefold()), wanted), ""
    for name in names:
        if name.strip().casefold() == "text":
            return name, ""
    inner = (
        f"{name}.{key}"
        for row in rows
        for name, value in row.fields.items()
        if isinstance(value, dict)
        for key in value
    )
    names += itertools.islice(dict.fromkeys(inner), MAX_COLUMNS)
    lengths = {name: sum(_prose(value_in(row.fields, name)) for row in rows) for name in names}
    longest = max(names, key=lengths.__getitem__, default="text")
    if not lengths.get(longest):
        return "text", ""
    others = f" among {_listed(names)}" if len(names) > 1 else ""
    return longest, f"has no column 'text'{others}; the text was taken from {longest!r}"


def _prose(value: Any) -> int:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return sum(map(len, value))
    return len(value) if isinstance(value, str) and not _DATA.fullmatch(value) else 0


_MISSING = object()


def value_in(fields: Mapping[str, Any], column: str) -> Any:
    """Return the value of a key, or of a path of keys such as ``data.text``; a sentinel if absent.

    Examples
    --------
    >>> value_in({"data": {"text": "Mary"}}, "data.text"), value_in({"a.b": 1}, "a.b")
    ('Mary', 1)
    """
    if column in fields:
        return fields[column]
    value: Any = fields
    for key in column.split("."):
        if not isinstance(value, dict) or key not in value:
            return _MISSING
        value = value[key]
    return value


def _document(row: Row, column: str, source: str, options: ReadOptions, place: str) -> Item:
    number, fields, raw = row
    value = value_in(fields, column)
    hint = None
    if value is _MISSING:
        reason = f"expected {column!r}, found {_listed(fields)}"
        hint = Hint.COLUMN
    elif options.into in fields:
        reason = f"already has {options.into!r}"
        hint = Hint.INTO
    elif isinstance(value, str):
        return Document(source, number, value, fields, place=place)
    elif isinstance(value, list) and all(isinstance(word, str) for word in value):
        return Document(source, number, " ".join(value), fields, words=tuple(value), place=place)
    else:
        found = type(value).__name__
        reason = f"expected a string or a list of words in {column!r}, found {found}"
    return Problem(source, number, reason, raw, place, hint=hint)


def header_problem(names: Sequence[str], column: str, options: ReadOptions) -> tuple[str, Hint] | None:
    """Return why rows with these columns cannot be annotated and what to do, None if they can.

    Examples
    --------
    >>> header_problem(["id", "body"], "text", ReadOptions())[0]
    "expected a column 'text', found id, body"
    """
    if value_in(dict.fromkeys(names), column.split(".")[0]) is _MISSING and column not in names:
        return f"expected a column {column!r}, found {_listed(names)}", Hint.COLUMN
    if options.into in names:
        return f"already has a column {options.into!r}", Hint.INTO
    return None


def title_rows(rows: Sequence[Sequence[str]], options: ReadOptions, behind_gaps: Iterable[int] = ()) -> int:
    """Count the rows above the header of a table.

    These are shorter rows above the one that names the column of the text, lines of several words in the
    first cell alone, and all above an empty line with wider rows below.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first rows that are not empty.
    options : ReadOptions
        Names the column of the text, which makes its row the header.
    behind_gaps : iterable of int
        Which of them have an empty row above, in ascending order.

    Examples
    --------
    >>> title_rows([["Invoice 7 of Acme", ""], ["Name", "Sum"], ["Mary", "5"]], ReadOptions())
    1
    >>> title_rows([["", "Full name"], ["0", "Mary"]], ReadOptions())
    0
    >>> title_rows([["Client", "Mary"], ["Date", "For", "Sum"], ["1 May", "rent", "5"]], ReadOptions(), [1])
    1
    """
    wanted = (options.column or "text").strip().casefold()
    filled = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    named = next((count for count, row in enumerate(filled) if wanted in map(str.casefold, row)), len(rows))
    if named <= min(_TITLE, len(rows) - 1) and all(len(row) < len(filled[named]) for row in filled[:named]):
        return named
    for count in behind_gaps:
        widest = max(map(len, filled[:count]), default=0)
        wider = all(len(row) > widest for row in filled[count : count + 2])
        if 0 < count <= min(named, _PREAMBLE) and wider and not any(map(_DATA.fullmatch, filled[count])):
            return count
    for count, row in enumerate(filled[: _TITLE + 1]):
        if count == named:
            return count
        if len(row) > 1:
            return 0 if any(_DATA.fullmatch(cell) for cell in row) else count
        if not row or not rows[count][0].strip() or len(rows[count]) < 2 or len(row[0].split()) < 2:
            return 0
        if _SENTENCE.fullmatch(row[0]):
            return 0
    return 0


def above_table(text: str, source: str, number: int, raw: bytes = b"", place: str = "") -> Problem:
    """Return a note on a line above the header of a table."""
    shown = text.strip()
    reason = f"is above the table and not read: {shown[:_NAME_LENGTH]}{'…' * (len(shown) > _NAME_LENGTH)}"
    return Problem(source, number, reason, raw, place, lost=False)


def named_columns(
    rows: Sequence[Sequence[str]], options: ReadOptions, source: str, place: str = ""
) -> tuple[list[str], list[Problem]]:
    """Return the names of the columns of a table, and a note if its first row is no header but data.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first rows.
    options : ReadOptions
        If the named column is in the first row, that row is the header.
    source, place : str
        For the note.

    Examples
    --------
    >>> named_columns([["id", "text"], ["1", "Mary"]], ReadOptions(), "a.csv")
    (['id', 'text'], [])
    >>> named_columns([["1", "Mary sings."], ["2", "John sings."]], ReadOptions(), "a.csv")[0]
    ['A', 'B']
    """
    names = [cell.strip() for cell in rows[0]]
    if (options.column or "text").strip().casefold() not in map(str.casefold, names) and rows[1:]:
        below = [[row[n].strip() for row in rows[1:] if len(row) > n] for n in range(len(names))]
        if rows[0] not in rows[1:] and any(map(_is_data, names, below)):  # a header may be repeated
            letters = [column_letters(index) for index in range(max(map(len, rows)))]
            reason = "has no header; its columns are called A, B, C, …"
            return letters, [Problem(source, None, reason, place=place, lost=False)]
    unique: list[str] = []
    for index, name in enumerate(names):
        unique.append(free_name(name or column_letters(index), unique))
    return unique, []


def _is_data(cell: str, below: Sequence[str]) -> bool:
    """Return whether a cell of the first row looks like those below it.

    Examples
    --------
    >>> _is_data("Paris", ["Rome", "Paris"]), _is_data("A-7", ["B-8"]), _is_data("Who are you?", ["Mary"])
    (True, True, False)
    """
    if _DATA.fullmatch(cell):
        return any(map(_DATA.fullmatch, below))
    if len(cell) > _NAME_LENGTH or _SENTENCE.fullmatch(cell):
        return not cell.endswith("?") or any(one.endswith("?") for one in below)  # forms have questions
    # A value that is also alone in its column is the option of a form that was chosen.
    again = cell in below and any(one not in ("", cell) for one in below)
    numbered = any(map(str.isdigit, cell)) and {_shape(one) for one in below} == {_shape(cell)}
    return again or numbered


def _shape(cell: str) -> str:
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", cell))


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken, with ``_2``, ``_3`` and so on if need be."""
    candidates = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)


def column_letters(index: int) -> str:
    """Return the letters that name a column in spreadsheets.

    Examples
    --------
    >>> [column_letters(index) for index in (0, 25, 26, 702)]
    ['A', 'Z', 'AA', 'AAA']
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _listed(names: Iterable[str], most: int = 20) -> str:
    shown = list(itertools.islice((str(name) for name in names), most + 1))
    return ", ".join([*shown[:most], "…"] if len(shown) > most else shown) or "none"


def too_long(source: str, line: int | None, limit: int, raw: bytes = b"") -> Problem:
    """Return the problem of a document above the size limit, in bytes."""
    return Problem(source, line, f"longer than the limit of {limit:,} bytes", raw, hint=Hint.LIMIT)


def too_deep(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Return whether lists and objects are nested too deeply to be written again.

    Examples
    --------
    >>> too_deep({"a": [1, {"b": []}]}), too_deep([[[[]]]], 2)
    (False, True)
    """
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(one, (list, dict)) and (depth <= 0 or too_deep(one, depth - 1)) for one in inner)
