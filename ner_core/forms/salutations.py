"""Salutations and closings of letters and messages, recognized by their form: ``Bonjour Marie,``.

Models trained on news take the greeting for a part of the name, or all of it for something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import CAPITALIZED, PERHAPS, SURE, Form, at_lines
from ner_core.forms.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["salutations"]

# In the languages of the models.
_GREETINGS = r"""
    dear | hi | hello | hey | good\ (?:morning|afternoon|evening)
  | hallo | liebe[rs]? | guten\ (?:tag|morgen|abend) | servus | moin | sehr\ geehrter? | werter?
  | bonjour | bonsoir | salut | coucou | ch[eè]re?s?
  | hola | buen[oa]s\ (?:d[ií]as|tardes|noches) | querid[oa]s? | estimad[oa]s?
  | ciao | salve | buongiorno | buonasera | gentile | gentilissim[oa] | egregi[oa] | car[oa]
  | ol[aá] | bom\ dia | boa\ (?:tarde|noite) | prezad[oa]s?
  | hoi | beste | lieve | geachte | goede(?:morgen|middag|navond)
  | cześć | dzień\ dobry | szanown[yea] | drog[ia] | witaj
  | hej | hejsan | hejsa | hei | kære | kjære | käre | kära | god\ (?:dag|morgen|morgon)
  | привет | здравствуйте? | добрый\ (?:день|вечер) | доброе\ утро | уважаем(?:ый|ая|ые) | дорог(?:ой|ая)
  | ahoj | dobrý\ deň | mil[ýá] | vážen[ýá] | drah[ýá]
  | dragi | draga | bok | zdravo | poštovan[ia] | cijenjen[ia] | здраво | драги | драга | поштован[иа]
  | terve | moi | moikka | hyvä | arvoisa
"""
# Names as well; with these, only a mark after the name shows a salutation (Caro Luca, and not Cara Jones).
_ALSO_NAMES = frozenset(("cher", "cara", "caro", "beste", "draga", "moi", "hyvä", "best", "love"))
_CLOSINGS = r"""
    (?:kind|best|warm)?\ ?regards | (?:all\ the\ )?best(?:\ wishes)? | cheers | thanks | thank\ you | thx
  | love | yours(?:\ (?:sincerely|faithfully|truly))? | sincerely(?:\ yours)? | respectfully
  | (?:mit\ )?(?:viele|liebe|beste|herzliche|schöne|freundliche)?n?\ ?gr(?:uß|üßen?) | lg | vg | mfg | bg
  | bises | bisous | amicalement | (?:bien\ )?cordialement | saludos(?:\ cordiales)?
  | un\ (?:saludo|abrazo|bacio) | besos | abrazos | atentamente | (?:cordiali\ |distinti\ )?saluti | baci
  | un\ abbraccio | abraços | beijos | atenciosamente | (?:met\ vriendelijke\ )?groet(?:en|jes)? | mvh
  | (?:med\ )?(?:vänliga?\ |bästa\ )?hälsning(?:ar)? | (?:med\ )?(?:venlig\ |vennlig\ )?hilsen | kram
  | pozdrawiam | z\ poważaniem | (?:lijep\ |s\ )?pozdrav(?:om)? | lp | целую | с\ уважением | обнимаю
  | ystävällisin\ terveisin
"""
# Whoever signs below a closing: Sofia and Chelsea are persons there, Microsoft is none.
_SIGNED = 100
_NAME = rf"{CAPITALIZED}\.?"
_NAMES = rf"(?P<name>{_NAME}(?:\ {_NAME}){{0,3}})"
_SALUTATION = re.compile(
    rf"""
    [^\S\n]* (?P<words>(?i:{_GREETINGS})) \ (?:(?i:{TITLES})\.?\ )*
    {_NAMES} [^\S\n]* (?P<mark>[,!:]|(?=[\r\n]|\Z))
    """,
    re.VERBOSE,
)
# At the beginning of a line, as all of these; in one line with the name, or above it.
_CLOSING = re.compile(
    rf"""
    [^\S\n]* (?P<words>(?i:{_CLOSINGS})) (?P<mark>[,!.]?)
    (?: \ | [^\S\n]*(?P<above>\n)\s{{0,20}} ) {_NAMES} [^\S\n]* (?=[\r\n]|\Z)
    """,
    re.VERBOSE,
)
# All of a line, which is looked at only if it is short.
_SHORT_LINE = 40
_ALONE = re.compile(rf"[^\S\n]*(?P<words>(?i:{_GREETINGS}|{_CLOSINGS}))[^\w\n]{{0,9}}(?=\n|\Z)", re.VERBOSE)


def salutations(text: str) -> Iterator[Form]:
    r"""Yield greetings and closings as no names, and who is addressed or signs as a person.

    Examples
    --------
    >>> text = "Bonjour Mme Martin,\n\nà demain !\n\nBises, Anne"
    >>> [(text[one.start : one.end], one.kind) for one in salutations(text)]
    [('Bonjour', 'O'), ('Martin', 'PER'), ('Bises', 'O'), ('Anne', 'PER')]
    """
    for match in at_lines(_SALUTATION, text):  # perhaps a name: Dear Customer, Hello World
        yield from _parts(match, certain=bool(match["mark"]), gain=PERHAPS)
    above = set()
    for match in at_lines(_CLOSING, text):
        certain = bool(match["mark"] or match["above"])
        above.add(match.start())
        yield from _parts(match, certain=certain, gain=_SIGNED if match["above"] else PERHAPS)
    for match in at_lines(_ALONE, text) if "\n" in text or len(text) <= _SHORT_LINE else ():
        if match.start() not in above and match["words"].casefold() not in _ALSO_NAMES:
            yield Form(*match.span("words"), "O", SURE)


def _parts(match: re.Match[str], *, certain: bool, gain: int) -> Iterator[Form]:
    """Yield the greeting or closing and the name, unless together they may be one name: Cara Jones."""
    if certain or match["words"].casefold() not in _ALSO_NAMES:
        yield Form(*match.span("words"), "O", SURE)
        yield Form(*match.span("name"), "PER", gain)
