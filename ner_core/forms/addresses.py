"""Postal addresses, recognized by their form: ``12 High Street, Leeds LS1 4AP``, ``Uferweg 5, 10115 Berlin``.

Models trained on sentences take towns beside a postal code, and streets, for companies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import CAPITALIZED, PERHAPS, SURE, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["addresses"]

_NAME = rf"{CAPITALIZED}\.?"
_TOWN = rf"{_NAME}(?:\ (?:[a-z]{{1,5}}\ ){{0,2}}{_NAME}){{0,3}}"
_BEGINS = r"(?:\A|[\n,;|\t(])[^\S\n]{0,8}"
# Codes after the town, which need nothing else to be recognized.
_CODE_AFTER = re.compile(
    rf"""
    (?: {_BEGINS} | \b(?:in|at|of|near)\ ) (?P<town>{_TOWN})
    (?: (?:,?\ |,?[^\S\n]{{0,8}}\n[^\S\n]{{0,8}}) (?P<british>[A-Z]{{1,2}}\d[A-Z\d]?\ ?\d[A-Z]{{2}})
      | ,?\ (?P<state>[A-Z]{{2}}|[A-Z]\.[A-Z]\.),?\ \d{{5}}(?:-\d{{4}})?
      | ,?\ (?P<province>[A-Z]{{2}}),?\ {{1,2}}(?P<canadian>[A-Z]\d[A-Z]\ ?\d[A-Z]\d)
      | ,?\ (?P<territory>NSW|VIC|QLD|SA|WA|TAS|NT|ACT),?\ \d{{4}}
    )
    (?!\w)
    """,
    re.VERBOSE,
)
# Codes before the town; a plain number is one only below or beside a street.
_CODE_BEFORE = re.compile(
    rf"""
    {_BEGINS}
    (?: (?P<code> [A-Z]{{1,3}}-\d{{4,5}} | \d\d-\d{{3}} | \d{{4}}-\d{{3}} | \d{{4}}\ [A-Z]{{2}} )
      | (?P<year>\d{{4}}) | \d{{3}}\ \d\d | \d{{5,6}} )
    ,?\ (?:г\.\ )? (?P<town>{_TOWN}) (?=[^\S\n]*(?:\Z|[\n\r,;|\t(.]))
    """,
    re.VERBOSE,
)
_HOUSE = r"\d{1,5}[ ]?[a-zA-Z]?(?:[-/][ ]?\d{1,4}[a-zA-Z]?)?"
_KIND = r"rue|via|viale|corso|piazza|largo|calle|avenida|plaza|paseo|rua|praça|ulica|улица"
_WORD = r"[^\W\d_][\w.'\u2019-]*"
# After a word in small letters as well: of 3 Low Road, domiciled at Lindenstraße 4.
_STREET = re.compile(
    rf"""
    (?: {_BEGINS} | (?<=[^\W\d_A-Z]\ ) )
    (?: (?P<first>{_HOUSE}),?\ (?P<after>{_WORD}(?:\ {_WORD}){{0,5}})
      | (?:[^\W\d_]{{1,4}}\.\ )? (?P<before>(?:{_NAME}|{_KIND})(?:\ {_WORD}){{0,5}}),?\ (?:n[º°]?\.?\ ?)?
        {_HOUSE} )
    [^\S\n]*,?\r?\Z
    """,
    re.VERBOSE,
)
# Without a word that only streets have, October 6, 1999, Kelly Cloud would look like an address.
_STREET_WORD = re.compile(
    r"""
    (?: stra(?:ss|ß)e | str\. | weg | platz | gasse | allee | ufer | damm | ring | markt
      | straat | laan | plein | gracht | kade | singel | dijk
      | gatan | v[äa]gen | torg | gade | vej | stræde | gate | veien | tie | katu
      | nám | námestie | trg ) (?!\w)
    | \b
    (?: street | st | road | rd | lane | drive | court | square | terrace | parade | place | way | ave | blvd
      | rue | avenue | av\. | boulevard | boul\. | bd | chemin | quai | impasse | cours | all[ée]e
      | via | viale | corso | piazza | largo | calle | c/ | avda | avenida | plaza | paseo | gran\ v[ií]a
      | rua | travessa | pra[çc]a | estrada
      | ul\. | ulica | al\. | os\. | pl\. | rynek | улица | ул\. | пр\. ) (?!\w)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# All codes have one.
_DIGIT = re.compile(r"\d")
_LONGEST_STREET = 100


def addresses(text: str) -> Iterator[Form]:
    """Yield the towns, states and streets of addresses as places, and the letters of codes as no names.

    Examples
    --------
    >>> text = "12 High Street, Leeds LS1 4AP"
    >>> [(text[one.start : one.end], one.kind) for one in addresses(text)]
    [('12', 'O'), ('High Street', 'LOC'), ('Leeds', 'LOC'), ('LS1 4AP', 'O')]
    """
    if not _DIGIT.search(text):
        return
    for match in _CODE_AFTER.finditer(text):
        yield from (Form(*part, SURE) for part in _street(text, match.start()))
        for part in ("town", "state", "province", "territory"):
            if match[part]:
                yield Form(*match.span(part), "LOC", SURE)
        for part in ("british", "canadian"):
            if match[part]:
                yield Form(*match.span(part), "O", SURE)
    for match in _CODE_BEFORE.finditer(text):
        street = _street(text, match.start())
        sure = match["code"] or any(_STREET_WORD.search(text, start, end) for start, end, _ in street)
        if not sure and (match["year"] or not street):
            continue
        gain = SURE if sure else PERHAPS
        yield from (Form(*part, gain) for part in street)
        if match["code"]:
            yield Form(*match.span("code"), "O", SURE)
        yield Form(*match.span("town"), "LOC", gain)


def _street(text: str, end: int) -> list[tuple[int, int, str]]:
    """Return the street that ends a text up to a town, if there is one, and a number before it as no name."""
    match = _STREET.search(text, max(end - _LONGEST_STREET, 0), end)
    if match is None:
        return []
    if match["first"]:
        return [(*match.span("first"), "O"), (*match.span("after"), "LOC")]
    return [(*match.span("before"), "LOC")]
