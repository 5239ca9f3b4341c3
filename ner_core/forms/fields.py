"""Fields whose label tells what their value is: ``City: Porto``, ``city="Porto"``, ``<city>Porto</city>``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.escapes import LEFT_OUT
from ner_core.forms.form import SURE, Form
from ner_core.forms.meanings import LONGEST_VALUE, Meaning, meanings, plain_label, singular, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fields"]

# Between a label and its value; what stands before, and before the label.
_MARK = re.compile(r"[:=\uff1a]")
_LABEL = re.compile(rf"[^\W\d_][\w.]*(?:[ -][\w.]+){{0,3}}(?={LEFT_OUT}*[^\S\n]{{0,8}}\Z)")
_BEFORE = re.compile(
    rf"""
    (?: \A | [\n\t,;|{{(\u2022] | [ ][ ] | [.!?][\"'\u201d)]?\s ) [^\S\n\t]{{0,20}}
    (?: [-*+][ ] | \d{{1,3}}[.)][ ] )? {LEFT_OUT}{{0,4}}\Z
    | (?P<assigned> \s\Z )
    """,
    re.VERBOSE,
)
_SPACE = re.compile(" ")
_LONGEST_BEFORE = 60
_VALUE = re.compile(
    rf"""
    {LEFT_OUT}* [^\S\n]{{0,20}} (?P<value> [^\W\d_] [^\n\t,;|(\uff0c\uff1b]{{0,{LONGEST_VALUE}}}? )
    (?= [^\S\n]{{0,8}} (?: [\n\t\r,;|(\uff0c\uff1b}}] | [ ]{{2}} | [ ][\w-]+{LEFT_OUT}*[:=] | \Z ) )
    """,
    re.VERBOSE,
)
# Between several values in a line.
_BETWEEN = re.compile(r"\s{0,4}(?:[,;/&\t]|\band\b|\Z)\s{0,4}(?:and\s)?")
_END = re.compile(r"[\n:=\uff1a]")
_LONGEST_LIST = 400
# <city>Porto</city>
_ELEMENT = re.compile(
    r"<(?:\w{1,20}:)?(?P<label>[A-Za-z][\w.-]{0,40})(?:\s[^<>]{0,200})?>"
    rf"\s{{0,20}}(?P<value>[^<>\n]{{1,{LONGEST_VALUE}}}?)\s{{0,20}}</"
)
# The properties of vCard and iCalendar: https://www.rfc-editor.org/rfc/rfc6350#section-3.3
_CARD = "BEGIN:V"
_PROPERTY = re.compile(r"^(?P<name>[A-Z][A-Z-]{0,30})[;:](?:(?<=:)(?P<kind>V[A-Z]{4,8})\b)?", re.MULTILINE)


def fields(text: str) -> Iterator[Form]:
    """Yield the values of fields as what their label says, and the labels as no names.

    Examples
    --------
    >>> text = "City: Porto"
    >>> [(text[one.start : one.end], one.kind) for one in fields(text)]
    [('City', 'O'), ('Porto', 'LOC')]
    """
    for mark in _MARK.finditer(text):
        yield from _field(text, *mark.span())
    for element in _ELEMENT.finditer(text):
        if meaning := meanings().get(plain_label(element["label"])):
            yield from value_of(text, *element.span("value"), meaning)
    for match in _PROPERTY.finditer(text) if _CARD in text else ():
        yield from (Form(*match.span(part), "O", SURE) for part in ("name", "kind") if match[part])


def _field(text: str, before: int, after: int) -> Iterator[Form]:
    """Yield the label and the value around a mark between them, or the values of a label like ``Cities``."""
    words = _LABEL.search(text, max(before - _LONGEST_BEFORE, 0), before)
    value = _VALUE.match(text, after)
    if words is None or value is None:
        return
    for start in (words.start(), *(space.end() for space in _SPACE.finditer(text, *words.span()))):
        label = plain_label(text[start : words.end()])
        of_one, of_several = meanings().get(label), meanings().get(singular(label))
        if of_one or of_several:
            border = _BEFORE.search(text, max(start - _LONGEST_BEFORE, 0), start)
            if border and not (border["assigned"] and value.start("value") > after):
                yield Form(start, words.end(), "O", SURE)
                if of_one:
                    yield from value_of(text, *value.span("value"), of_one)
                elif of_several:
                    yield from _values(text, value.start("value"), of_several)
            return


def _values(text: str, start: int, meaning: Meaning) -> Iterator[Form]:
    """Yield several values, up to the end of the line or another label."""
    found = _END.search(text, start, start + _LONGEST_LIST)
    end = found.start() if found else min(start + _LONGEST_LIST, len(text))
    for between in _BETWEEN.finditer(text, start, end):
        if start < between.start():
            yield from value_of(text, start, between.start(), meaning)
        start = between.end()
