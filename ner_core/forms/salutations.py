"""Salutations and closings of letters and messages, recognized by their form: ``Bonjour Marie,``.

Models trained on news take the greeting for a part of the name, or all of it for something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import CAPITALIZED, Form
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
    (?:kind|best|warm)?\ ?regards | best(?:\ wishes)? | cheers | thanks | thx | love | yours | sincerely
  | (?:viele|liebe|beste|herzliche|schöne)?\ ?gr(?:uß|üße) | lg | vg | mfg | bg
  | bises | bisous | amicalement | cordialement | saludos | un\ (?:saludo|abrazo|bacio) | besos | abrazos
  | saluti | baci | un\ abbraccio | abraços | beijos | groet(?:en|jes)? | mvh | hälsningar | hilsen | kram
  | pozdrawiam | pozdrav | lp | целую | с\ уважением | обнимаю
"""
# Less sure of the name: Dear Customer, Hello World.
_SURE, _LIKELY = 3000, 20
_NAME = rf"{CAPITALIZED}\.?"
_NAMES = rf"(?P<name>{_NAME}(?:\ {_NAME}){{0,3}})"
_SALUTATION = re.compile(
    rf"""
    (?:\A|\n) [^\S\n]* (?P<words>(?i:{_GREETINGS})) \ (?:(?i:{TITLES})\.?\ )*
    {_NAMES} [^\S\n]* (?P<mark>[,!:]|(?=[\r\n]|\Z))
    """,
    re.VERBOSE,
)
_CLOSING = re.compile(
    rf"(?:\A|\n) [^\S\n]* (?P<words>(?i:{_CLOSINGS})) (?P<mark>[,!]?)\ {_NAMES} [^\S\n]* (?=[\r\n]|\Z)",
    re.VERBOSE,
)


def salutations(text: str) -> Iterator[Form]:
    r"""Yield greetings and closings as no names, and who is addressed or signs as a person.

    Examples
    --------
    >>> text = "Bonjour Mme Martin,\n\nà demain !\n\nBises, Anne"
    >>> [(text[one.start : one.end], one.kind) for one in salutations(text)]
    [('Bonjour', 'O'), ('Martin', 'PER'), ('Bises', 'O'), ('Anne', 'PER')]
    """
    for form in (_SALUTATION, _CLOSING):
        for match in form.finditer(text):
            if match["mark"] or match["words"].casefold() not in _ALSO_NAMES:
                yield Form(*match.span("words"), "O", _SURE)
                yield Form(*match.span("name"), "PER", _LIKELY)
