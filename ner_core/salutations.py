"""Salutations of letters and messages, recognized by their form: ``Bonjour Marie,``.

Models trained on news take the greeting for a part of the name, or all of it for something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms import Form

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
_ALSO_NAMES = frozenset(("cher", "cara", "caro", "beste", "draga", "moi", "hyvä"))
_TITLES = r"""
    mr | mrs | ms | miss | mx | dr | prof | professor | herrn? | frau
  | monsieur | madame | mademoiselle | m | mme | mlle | señora? | sra? | srta | don | doña
  | signora? | sig | sig\.ra | dott | dottoressa | avv | senhora? | dom | dona | panie? | pani
  | heer | mevrouw | meneer | mijnheer | dhr | mevr | hr | fru | gospodine? | gospođo
  | господин | госпожа | pán | pane
"""
# Less sure of the name: Dear Customer, Hello World.
_SURE, _LIKELY = 3000, 20
_NAME = r"[^\W\d_a-z][\w'\u2019.-]*"
_SALUTATION = re.compile(
    rf"""
    (?:\A|\n) [^\S\n]* (?P<greeting>(?i:{_GREETINGS})) \ (?:(?i:{_TITLES})\.?\ )*
    (?P<name>{_NAME}(?:\ {_NAME}){{0,3}}) [^\S\n]* (?P<mark>[,!:]|(?=[\r\n]|\Z))
    """,
    re.VERBOSE,
)


def salutations(text: str) -> Iterator[Form]:
    """Yield greetings as no names, and who is addressed as a person.

    Examples
    --------
    >>> text = "Bonjour Mme Martin,"
    >>> [(text[one.start : one.end], one.kind) for one in salutations(text)]
    [('Bonjour', 'O'), ('Martin', 'PER')]
    """
    for match in _SALUTATION.finditer(text):
        if match["mark"] or match["greeting"].casefold() not in _ALSO_NAMES:
            yield Form(*match.span("greeting"), "O", _SURE)
            yield Form(*match.span("name"), "PER", _LIKELY)
