"""JSON Lines, and JSON files that hold a list of objects; one document per object.

The suffix does not decide which of them a file is: programs also write lists into ``.jsonl``, and objects one
after the other into ``.json``.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from ner_documents.document import Problem
from ner_documents.reading.encodings import decode
from ner_documents.reading.lines import text_lines
from ner_documents.reading.records import EXCERPT, MAX_DEPTH, Row, documents_of, too_deep, too_long, value_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner_documents.reading.records import Item, ReadOptions

__all__ = ["read_json", "read_jsonl", "values_of"]

# https://docs.python.org/3/library/stdtypes.html#integer-string-conversion-length-limitation
_INTEGER = 4_000
_WRAPPED = 4  # objects around the list of rows, at most
_DEEP = f"expected JSON up to {MAX_DEPTH} levels deep, found more"
#: The beginning of a list of rows, or of a value over several lines; and what encodes it.
_OVER_LINES = re.compile(rb"\s*(?:\[\s*[\[{]|[\[{][ \t]*[\r\n])")
_MARKS = b"\0\xef\xbb\xbf\xfe\xff"
_NO_SPACE = re.compile(r"\S")
_DECODER = json.JSONDecoder(parse_int=lambda digits: digits if len(digits) > _INTEGER else int(digits))


def read_jsonl(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read one JSON object, string or list of words per line, or a JSON file."""
    begin = stream.peek() if hasattr(stream, "peek") else b""
    if not _OVER_LINES.match(begin.translate(None, _MARKS)):
        yield from _read_lines(stream, source, options)
        return
    raw = stream.read(options.limit + 1)
    if len(raw) > options.limit:
        yield too_long(source, None, options.limit, raw[:EXCERPT])
    else:
        yield from read_json(raw, source, options)


def _read_lines(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Item]:
    yield from documents_of(_line_rows(stream, source, options), source, options, table=False)


def _line_rows(stream: BinaryIO, source: str, options: ReadOptions) -> Iterator[Row | Problem]:
    for line in text_lines(stream, source, options):
        if isinstance(line, Problem):
            yield line
        elif line.text.strip():
            try:
                value = _DECODER.decode(line.text)
            except (ValueError, RecursionError) as error:
                reason = f"expected a JSON object, found: {error}"
                yield Problem(source, line.number, reason, line.raw)
                continue
            yield _row(value, line.number, line.raw, source)


def read_json(raw: bytes, source: str, options: ReadOptions) -> Iterator[Item]:
    """Read a JSON file: a list of objects or texts, an object that holds one such list, or objects."""
    text, problems = decode(raw, source, options.encoding)
    yield from problems
    if text is None:
        return
    try:
        values = values_of(text)
    except RecursionError:
        yield Problem(source, None, _DEEP, raw[:EXCERPT])
        return
    except ValueError as error:
        if _begins_with_a_line_of_json(text):
            yield from _read_lines(io.BytesIO(text.encode("utf-8", "surrogatepass")), source, options)
            return
        yield Problem(source, getattr(error, "lineno", None), f"expected JSON, found: {error}", raw[:EXCERPT])
        return
    rows = _rows_in(values[0], options) if len(values) == 1 else values
    found = (_row(one, number, b"", source) for number, one in enumerate(rows, 1))
    yield from documents_of(found, source, options, table=False)


def values_of(text: str) -> list[Any]:
    r"""Parse one or more JSON values; integers that are too long for Python become strings.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or too deep.

    Examples
    --------
    >>> values_of('[1]\n {"a": ' + 5_000 * "1" + "}") == [[1], {"a": 5_000 * "1"}]
    True
    """
    values: list[Any] = []
    end = 0
    while found := _NO_SPACE.search(text, end):
        value, end = _DECODER.raw_decode(text, found.start())
        values.append(value)
    return values or [_DECODER.decode(text)]


def _begins_with_a_line_of_json(text: str) -> bool:
    first, _, rest = text.lstrip().partition("\n")
    try:
        return isinstance(_DECODER.decode(first), (dict, list, str)) and bool(rest.strip())
    except (ValueError, RecursionError):
        return False


def _rows_in(value: Any, options: ReadOptions) -> list[Any]:
    wanted = options.column or "text"
    if isinstance(value, list) and _is_grid(value, wanted):
        return [dict(zip(value[0], row, strict=True)) for row in value[1:]]
    if isinstance(value, list):
        words = value and all(isinstance(word, str) for word in value)
        texts = words and any(len(word.split()) > 1 for word in value)
        return [value] if words and not texts else value
    if isinstance(value, dict) and _is_columns(value, wanted):
        return [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, dict) or isinstance(value_in(value, wanted), (str, list)):
        return [value]
    lists = _tables_in(value)
    return lists[0] if len(lists) == 1 else _frame(value) or _keyed(value, wanted) or [value]


def _keyed(value: dict[str, Any], wanted: str) -> list[Any]:
    """Return the rows of an object that holds them by key; empty if it is not one.

    Examples
    --------
    >>> _keyed({"a": {"body": "Mary"}, "b": {"body": "Bob"}}, "text")
    [{'key': 'a', 'body': 'Mary'}, {'key': 'b', 'body': 'Bob'}]
    """
    rows = list(value.values())
    if not rows or not all(isinstance(row, dict) for row in rows):
        return []
    numbered = all(map(str.isdecimal, value))
    alike = len(rows) > 1 and all(row.keys() == rows[0].keys() for row in rows)
    texts = all(isinstance(row.get(wanted), str) for row in rows)
    return [{"key": key, **row} for key, row in value.items()] if numbered or alike or texts else []


def _is_grid(value: list[Any], wanted: str) -> bool:
    """Return whether a list holds column names, then rows."""
    return (
        len(value) > 1
        and all(isinstance(row, list) and len(row) == len(value[0]) for row in value)
        and all(isinstance(name, str) for name in value[0])
        and wanted in value[0]
    )


def _is_columns(value: dict[str, Any], wanted: str) -> bool:
    """Return whether an object holds columns of equal length, and not a list of words."""
    texts = value.get(wanted)
    return (
        isinstance(texts, list)
        and all(isinstance(column, list) and len(column) == len(texts) for column in value.values())
        and all(isinstance(text, str) for text in texts)
        and any(len(text.split()) > 1 for text in texts)
    )


def _frame(value: dict[str, Any]) -> list[Any]:
    """Return the rows of a table in the default format of pandas; empty if it is not one.

    Examples
    --------
    >>> _frame({"id": {"0": 1, "1": 2}, "text": {"0": "Mary", "1": "Bob"}})
    [{'id': 1, 'text': 'Mary'}, {'id': 2, 'text': 'Bob'}]
    >>> _frame({"columns": ["id", "text"], "index": [0], "data": [[1, "Mary"]]})
    [{'id': 1, 'text': 'Mary'}]
    """
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list):
        whole = all(isinstance(row, list) and len(row) == len(names) for row in data)
        return [dict(zip(map(str, names), row, strict=True)) for row in data] if whole else []
    columns = list(value.values())
    if not columns or not all(isinstance(column, dict) and column for column in columns):
        return []
    rows = list(columns[0])
    if not all(map(str.isdecimal, rows)) or any(list(column) != rows for column in columns):
        return []
    return [{name: value[name][row] for name in value} for row in rows]


def _tables_in(value: dict[str, Any]) -> list[list[Any]]:
    """List the lists of objects in an object, or in the single object that wraps them.

    Examples
    --------
    >>> _tables_in({"kind": "Listing", "data": {"after": None, "children": [{"text": "Mary"}]}})
    [[{'text': 'Mary'}]]
    """
    level: list[Any] = [value]
    for _ in range(_WRAPPED):
        level = [one for outer in level for one in outer.values()]
        lists = [
            one
            for one in level
            if isinstance(one, list) and one and all(isinstance(row, dict) for row in one)
        ]
        level = [one for one in level if isinstance(one, dict)]
        if lists or len(level) != 1:
            return lists
    return []


def _row(value: Any, number: int, raw: bytes, source: str) -> Row | Problem:
    if isinstance(value, str) or (
        isinstance(value, list) and value and all(isinstance(word, str) for word in value)
    ):
        value = {"text": value}
    if not isinstance(value, dict):
        reason = f"expected a JSON object, found {type(value).__name__}"
        return Problem(source, number, reason, raw)
    if too_deep(value):
        return Problem(source, number, _DEEP, raw)
    return Row(number, value, raw)
