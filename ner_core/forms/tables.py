"""Tables whose headings or labels tell what their cells are: ``Acme`` below ``Company``, or beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.escapes import LEFT_OUT
from ner_core.forms.form import PERHAPS, SURE, Form
from ner_core.forms.meanings import Meaning, meanings, plain_label, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["tables"]

_HEADING = re.compile(r"[^\W\d_][^\d|\t\n]{0,28}|#|\u2116")
_LONGEST_LINE = 1_000
_RULE = re.compile(r"[\s|:+=\u2500-\u257f-]+")
_BORDERS = tuple(map(re.compile, (r"\t", r"\|", r" {2,}", r"; ?", r", ?")))
# Not between the words of a sentence.
_WIDE_BORDERS = _BORDERS[:3]
# Before what stands beside a label.
_BESIDE = (*_WIDE_BORDERS, *map(re.compile, (r" ?\.{3,} ?", " [-\u2013\u2014\u2192] ")))
_AROUND = f' \r\t"*{LEFT_OUT}'
# Tags of cells as they are rendered.
_CELLS_OF_HTML = "    \t   \t"
_QUOTED = re.compile(r'"[^"]*"')


def tables(text: str) -> Iterator[Form]:
    r"""Yield the cells below a heading or beside a label that tells what they are, and headings as no names.

    Examples
    --------
    >>> text = "Name\tCompany\nMary Jones\tAcme"
    >>> [(text[one.start : one.end], one.kind) for one in tables(text)]
    [('Name', 'O'), ('Company', 'O'), ('Mary Jones', 'PER'), ('Acme', 'ORG')]
    """
    if "\n" in text:
        yield from _columns(text)
        yield from _beside(text)


def _columns(text: str) -> Iterator[Form]:
    """Yield the cells below a heading that tells what they are, up to a line with more or fewer cells."""
    border: re.Pattern[str] | None = None
    columns: Sequence[Meaning | None] = ()
    for here, line in _lines(text):
        cells = _cells(line, border) if border else []
        if border and len(cells) == len(columns):
            for (start, end), meaning in zip(cells, columns, strict=True):
                if meaning:
                    yield from value_of(text, here + start, here + end, meaning)
        elif not (border and _RULE.fullmatch(line)):
            border, headings = _heading(line)
            columns = _of_rows([meaning for _, _, meaning in headings])
            for start, end, meaning in headings:
                yield Form(here + start, here + end, "O", SURE if meaning else PERHAPS)


def _of_rows(columns: Sequence[Meaning | None]) -> Sequence[Meaning | None]:
    """Return what columns hold; a name is a person's only beside a column about persons (not Name, Price)."""
    name = meanings()["name"]
    of_persons = any(one and one != name and one.kind != "LOC" for one in columns)
    return columns if of_persons else [None if one == name else one for one in columns]


def _beside(text: str) -> Iterator[Form]:
    """Yield the cells beside a label, where at least two lines that follow each other have one."""
    together: list[Form] = []
    count = 0
    for here, line in [*_lines(text), (len(text), "")]:
        cells = next(
            (found for one in _BESIDE if one.search(line) and len(found := _cells(line, one)) > 1), []
        )
        label, value = (line[start:end] for start, end in cells) if len(cells) == 2 else ("", "")
        meaning = meanings().get(plain_label(label))
        if meaning and plain_label(value) not in meanings():
            together += value_of(text, here + cells[1][0], here + cells[1][1], meaning)
            count += 1
        else:
            yield from together if count > 1 else ()
            together, count = [], 0


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line and where it begins; nothing of lines that are too long for a row."""
    start = 0
    for line in text.split("\n"):
        yield start, line if len(line) <= _LONGEST_LINE else ""
        start += len(line) + 1


def _heading(line: str) -> tuple[re.Pattern[str] | None, list[tuple[int, int, Meaning | None]]]:
    """Return what divides a line of headings, and each of them; nothing unless one tells something."""
    border = next((one for one in _BORDERS if one.search(line.strip())), None)
    cells = _cells(line, border) if border else []
    least = 1 if line.lstrip().startswith("|") else 2
    if len(cells) < least or not all(_HEADING.fullmatch(line[start:end]) for start, end in cells):
        return None, []
    headings = [(start, end, meanings().get(plain_label(line[start:end]))) for start, end in cells]
    known = sum(meaning is not None for _, _, meaning in headings)
    listed = border not in _WIDE_BORDERS and " " in line  # perhaps a sentence
    return (border, headings) if known > listed else (None, [])


def _cells(line: str, border: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return where the cells of a line begin and end, without white space, quotes and bars around them."""
    without = _QUOTED.sub(lambda quoted: '"' * len(quoted[0]), line) if '"' in line else line
    places = [match.span() for match in border.finditer(without)]
    starts = [0, *(end for _, end in places)]
    ends = [*(begin for begin, _ in places), len(line)]
    cells = []
    for start, end in zip(starts, ends, strict=True):
        cell = line[start:end]
        begin = start + len(cell) - len(cell.lstrip(_AROUND))
        cells.append((begin, max(start + len(cell.rstrip(_AROUND)), begin)))
    if _CELLS_OF_HTML in line:
        return [(start, end) for start, end in cells if start < end]
    if "|" in line:  # around all cells, as in Markdown
        cells = cells[cells[0][0] == cells[0][1] : len(cells) - (cells[-1][0] == cells[-1][1])]
    return cells
