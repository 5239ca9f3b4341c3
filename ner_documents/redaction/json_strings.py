"""The strings of JSON files, with their positions in the file."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ner_documents.reading.json_files import values_of
from ner_documents.reading.packages import UnreadableError
from ner_documents.redaction.segments import Segment, SegmentBuilder
from ner_documents.redaction.tables import Cell, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["json_segments"]

_WORD = r'"(?:[^"\\\s]|\\[^nrt])*"'
#: A tokenized text is read as one, but not other lists: ["Mary", "Bob"] are two persons.
_STRING = re.compile(
    rf"""("(?:tokens|words|text)"\s*:\s*(?P<words>\[\s*{_WORD}(?:\s*,\s*{_WORD})*\s*\]))
    |"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)", re.DOTALL)
#: Shorter numbers are no account, card or phone number.
_NUMBER_DIGITS = 9


def json_segments(raw: str) -> list[Segment]:
    r"""Extract the strings of a JSON file or of JSON lines, whatever the suffix.

    Objects with equal keys are the rows of a table, and their keys its headings.

    Raises
    ------
    UnreadableError
        If it is not JSON.

    Examples
    --------
    >>> [(one.text, one.searched, one.cell and one.cell[1:]) for one in json_segments('{"city": "Derby"}')]
    [('city', False, None), ('Derby', True, (1, 0))]
    """
    try:
        values_of(raw) if raw.strip() else ()
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        line = getattr(error, "lineno", 1)
        msg = f"line {line} is not JSON ({reason}); correct it first: what cannot be read cannot be redacted"
        raise UnreadableError(msg) from None
    found = list(_strings(raw))
    columns: dict[int, dict[str, int]] = defaultdict(dict)  # of each object, by key
    for one in found:
        if one.key:
            columns[one.of].setdefault(one.key, len(columns[one.of]))
    tables: dict[tuple[str, ...], Table] = {}
    table_of = {of: tables.setdefault(tuple(keys), Table(list(keys))) for of, keys in columns.items()}
    return [
        replace(one.segment, cell=Cell(table_of[one.of], one.of, columns[one.of][one.key]))
        if one.key
        else one.segment
        for one in found
    ]


class _String(NamedTuple):
    """A string, the number of its object, and its key; the key is empty for keys and items of lists."""

    segment: Segment
    of: int = 0
    key: str = ""


def _strings(raw: str) -> Iterator[_String]:
    open_objects, count, key, position = [0], 0, "", 0
    for found in _STRING.finditer(raw):
        first, last = found.span()
        for sign in re.findall(r"[][{},]", raw[position:first]):
            key = ""
            if sign in "[{":
                count += 1
                open_objects.append(count)
            elif sign in "]}" and len(open_objects) > 1:
                open_objects.pop()
        position = last
        if found["words"]:
            yield from map(_String, _words(raw, *found.span("words")))
            continue
        if not found[0].startswith('"'):
            if sum(map(str.isdigit, found[0])) >= _NUMBER_DIGITS:
                yield _String(Segment(found[0], range(first, last), range(first + 1, last + 1), False, True))
            continue
        is_key = raw[last : last + 20].lstrip()[:1] == ":"
        builder = SegmentBuilder()
        builder.add_written(raw, first + 1, last - 1, _ESCAPE, _unescaped)
        # Most keys are field names; those that look like data are read as text.
        for segment in builder.finish(searched=not is_key or bool(re.search("[A-Z].* ", found[0]))):
            yield _String(segment, open_objects[-1], "" if is_key else key)
        key = found[0][1:-1] if is_key else ""


def _words(raw: str, start: int, end: int) -> Iterator[Segment]:
    """Join a list of words, as in tokenized texts."""
    builder = SegmentBuilder()
    for word in re.finditer(_WORD, raw[start:end]):
        first, last = start + word.start(), start + word.end()
        if first > start + 1:
            builder.add(" ", first, first)
        builder.add_written(raw, first + 1, last - 1, _ESCAPE, _unescaped)
    yield from builder.finish()


def _unescaped(escape: str) -> str:
    return str(json.loads(f'"{escape}"'))
