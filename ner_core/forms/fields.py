"""Values whose label or column heading tells what they are: ``City: Porto``, or ``Acme`` below ``Company``.

Models see a value without a sentence, and take a town for a person, or a company for a town.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ner_core.escapes import LEFT_OUT
from ner_core.forms.form import Form
from ner_core.forms.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["fields"]

_APART = re.compile(r"[\W_]+")


def _plain(label: str) -> str:
    """Return a label without what first_name, firstName and First Name differ in."""
    return _APART.sub("", label.casefold())


@cache
def _meanings() -> dict[str, tuple[str, int]]:
    """Return the kind and the gain by label, as `_plain` writes it; read when first needed."""
    lines = files(__package__).joinpath("fields.txt").read_text("utf-8").splitlines()
    found: dict[str, tuple[str, int]] = {}
    for line in lines:
        meaning, _, labels = line.partition(": ")
        if not line.startswith("#"):
            kind, gain = meaning.split()
            found |= {_plain(label): (kind, int(gain)) for label in labels.split(", ")}
    return found


# Of a person only where another column is about one: Name, Phone, and not Name, Price.
_NAME = ("PER", 5)
_NO_VALUE = re.compile(
    r"(?:none|n/?a|unknown|tbd|tba|yes|no|other|various|same|see|all|any|null|true|false|nil|total|sum|not)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(rf"(?:(?i:{TITLES})\.?\ )+", re.VERBOSE)
_MOST_WORDS = 6
_IN_SMALL_LETTERS = 20
_NO_NAME, _HARDLY_NAME = 3000, 20
_LONGEST_VALUE = 60

# Between a label and its value; what stands before, and before the label.
_MARK = re.compile(r"[:=\uff1a]")
_LABEL = re.compile(rf"[^\W\d_][\w.]*(?:[ -][\w.]+){{0,3}}(?={LEFT_OUT}*[^\S\n]{{0,8}}\Z)")
_BEFORE = re.compile(
    rf"(?:\A|[\n\t,;|{{(\u2022]|  )[^\S\n\t]{{0,20}}(?:[-*+] |\d{{1,3}}[.)] )?{LEFT_OUT}{{0,4}}\Z"
    r"|(?P<assigned>\s\Z)"
)
_SPACE = re.compile(" ")
_LONGEST_BEFORE = 60
_VALUE = re.compile(
    rf"""
    {LEFT_OUT}* [^\S\n]{{0,20}} (?P<value> [^\W\d_] [^\n\t,;|(\uff0c\uff1b]{{0,{_LONGEST_VALUE}}}? )
    (?= [^\S\n]{{0,8}} (?: [\n\t\r,;|(\uff0c\uff1b}}] | [ ]{{2}} | [ ][\w-]+{LEFT_OUT}*[:=] | \Z ) )
    """,
    re.VERBOSE,
)

# <city>Porto</city>
_ELEMENT = re.compile(
    r"<(?:\w{1,20}:)?(?P<label>[A-Za-z][\w.-]{0,40})(?:\s[^<>]{0,200})?>"
    rf"\s{{0,20}}(?P<value>[^<>\n]{{1,{_LONGEST_VALUE}}}?)\s{{0,20}}</"
)
# The properties of vCard and iCalendar: https://www.rfc-editor.org/rfc/rfc6350#section-3.3
_CARD = "BEGIN:V"
_PROPERTY = re.compile(r"^(?P<name>[A-Z][A-Z-]{0,30})[;:](?:(?<=:)(?P<kind>V[A-Z]{4,8})\b)?", re.MULTILINE)
_HEADING = re.compile(r"[^\W\d_][^\d|\t\n]{0,28}")
_LONGEST_LINE = 1_000
_RULE = re.compile(r"[\s|:+=\u2500-\u257f-]+")
_BORDERS = tuple(map(re.compile, (r"\t", r"\|", r" {2,}", r"; ?", r", ?")))
# Before what stands beside a label, and is no word of a sentence.
_WIDE_BORDERS = _BORDERS[:3]
_AROUND = f' \r\t"*{LEFT_OUT}'


def fields(text: str) -> Iterator[Form]:
    r"""Yield the values of fields, elements and cells whose label or heading tells what they are.

    Examples
    --------
    >>> text = "City: Porto\n\nName\tCompany\nMary Jones\tAcme"
    >>> [(text[one.start : one.end], one.kind) for one in fields(text) if one.kind != "O"]
    [('Porto', 'LOC'), ('Mary Jones', 'PER'), ('Acme', 'ORG')]
    """
    for mark in _MARK.finditer(text):
        yield from _field(text, *mark.span())
    for element in _ELEMENT.finditer(text):
        if _plain(element["label"]) in _meanings():
            yield from _value(text, *element.span("value"), element["label"])
    for property_ in _PROPERTY.finditer(text) if _CARD in text else ():
        yield from (
            Form(*property_.span(part), "O", _NO_NAME) for part in ("name", "kind") if property_[part]
        )
    yield from _columns(text)
    yield from _beside(text)


def _field(text: str, before: int, after: int) -> Iterator[Form]:
    """Yield the value around a mark between a label and its value."""
    words = _LABEL.search(text, max(before - _LONGEST_BEFORE, 0), before)
    value = _VALUE.match(text, after)
    if words is None or value is None:
        return
    for start in (words.start(), *(space.end() for space in _SPACE.finditer(text, *words.span()))):
        label = text[start : words.end()]
        if _plain(label) in _meanings():
            border = _BEFORE.search(text, max(start - _LONGEST_BEFORE, 0), start)
            if border and not (border["assigned"] and value.start("value") > after):
                yield Form(start, words.end(), "O", _NO_NAME)
                yield from _value(text, *value.span("value"), label)
            return


def _value(text: str, start: int, end: int, label: str) -> Iterator[Form]:
    """Yield a value as what its label says, unless it looks like none."""
    kind, gain = _meanings()[_plain(label)]
    value = text[start:end]
    if (
        kind == "O"
        or not 0 < len(value) <= _LONGEST_VALUE
        or not value[0].isalpha()
        or len(value.split()) > _MOST_WORDS
        or _NO_VALUE.match(value)
        or _plain(value) in _meanings()
    ):
        return
    if kind == "PER" and (title := _TITLE.match(value)):
        start += title.end()
    if start < end:
        yield Form(start, end, kind, min(gain, _IN_SMALL_LETTERS) if value[0].islower() else gain)


def _columns(text: str) -> Iterator[Form]:
    """Yield the cells below a heading that tells what they are, up to a line with more or fewer cells."""
    border: re.Pattern[str] | None = None
    labels: Sequence[str] = ()
    of_persons = False
    for here, line in _lines(text):
        cells = _cells(line, border) if border else []
        if border and len(cells) == len(labels):
            for (start, end), label in zip(cells, labels, strict=True):
                if label in _meanings() and (of_persons or _meanings()[label] != _NAME):
                    yield from _value(text, here + start, here + end, label)
        elif not (border and _RULE.fullmatch(line)):
            border = _border(line)
            cells = _cells(line, border) if border else []
            labels = [_plain(line[start:end]) for start, end in cells]
            meanings = [_meanings()[label] for label in labels if label in _meanings()]
            of_persons = any(one != _NAME and one[0] != "LOC" for one in meanings)
            for (start, end), label in zip(cells, labels, strict=True):
                yield Form(here + start, here + end, "O", _NO_NAME if label in _meanings() else _HARDLY_NAME)


def _beside(text: str) -> Iterator[Form]:
    """Yield the cells beside a label, where at least two lines that follow each other have one."""
    together: list[Form] = []
    count = 0
    for here, line in [*_lines(text), (len(text), "")]:
        cells = next((found for one in _WIDE_BORDERS if len(found := _cells(line, one)) > 1), [])
        label, value = (line[start:end] for start, end in cells) if len(cells) == 2 else ("", "")
        if _plain(label) in _meanings() and _plain(value) not in _meanings():
            together += _value(text, here + cells[1][0], here + cells[1][1], label)
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


def _border(line: str) -> re.Pattern[str] | None:
    """Return what divides the cells of a heading with a label that tells something; None for other lines."""
    border = next((one for one in _BORDERS if one.search(line.strip())), None)
    cells = [line[start:end] for start, end in _cells(line, border)] if border else []
    if len(cells) < 2 or not all(map(_HEADING.fullmatch, cells)):
        return None
    known = sum(_plain(cell) in _meanings() for cell in cells)
    listed = border not in _WIDE_BORDERS and " " in line  # perhaps a sentence
    return border if known > listed else None


def _cells(line: str, border: re.Pattern[str]) -> list[tuple[int, int]]:
    """Return where the cells of a line begin and end, without white space, quotes and bars around them."""
    places = [match.span() for match in border.finditer(line)]
    starts = [0, *(end for _, end in places)]
    ends = [*(begin for begin, _ in places), len(line)]
    cells = []
    for start, end in zip(starts, ends, strict=True):
        cell = line[start:end]
        begin = start + len(cell) - len(cell.lstrip(_AROUND))
        cells.append((begin, max(start + len(cell.rstrip(_AROUND)), begin)))
    if "|" in line:  # around all cells, as in Markdown
        cells = cells[cells[0][0] == cells[0][1] : len(cells) - (cells[-1][0] == cells[-1][1])]
    return cells
