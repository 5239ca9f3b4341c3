"""Datelines of news, recognized by their form: ``BERLIN (dpa) -``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import LIKELY, Form, at_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["datelines"]

_TOWN = r"(?:(?:\w\.)+|[^\W\d_a-z][\w'\u2019-]*)"
# In brackets, other organisations and places stand as well: Martinek (Heidelberg) - Lorra (Hildesheim).
_AGENCY = (
    "afp|anp|ansa|apa?|belga|bloomberg|dapd|ddp|dpa|efe|epd|hina|interfax|itar-tass|kna|lusa|ntb|ots|pap|reuters"
    "|ria|ritzau|rtr|sda|sid|stt|sta|tanjug|tasr|tass|tt|upi|xinhua|тасс|риа"
)
_DATELINE = re.compile(
    rf"""
    [^\S\n]{{0,8}} (?P<town>{_TOWN}(?:[ ]{_TOWN}){{0,3}}) (?:[,/][^()\n]{{1,40}})? \ ?
    \( (?P<agency>(?i:{_AGENCY})) (?:/[\w.-]{{2,15}})? \) \ ?[-\u2013\u2014:]
    """,
    re.VERBOSE,
)


def datelines(text: str) -> Iterator[Form]:
    """Yield the town of a dateline as a place, and the news agency as an organisation.

    Examples
    --------
    >>> text = "BERLIN (dpa) - Der Kanzler reist."
    >>> [(text[one.start : one.end], one.kind) for one in datelines(text)]
    [('BERLIN', 'LOC'), ('dpa', 'ORG')]
    """
    for match in at_lines(_DATELINE, text):
        yield Form(*match.span("town"), "LOC", LIKELY)
        yield Form(*match.span("agency"), "ORG", LIKELY)
