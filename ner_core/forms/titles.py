"""Persons after their title: ``Dr Patel``, ``Mr & Mrs Smith``, ``Herrn Weber``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import CAPITALIZED, PERHAPS, SURE, Form

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TITLES", "persons_with_title"]

#: In the languages of the models, for verbose regular expressions: in any case, without a full stop.
TITLES = r"""
    mr | mrs | ms | miss | mx | dr | prof | professor | herrn? | frau
  | monsieur | madame | mademoiselle | m | mme | mlle | señora? | sra? | srta | don | doña
  | signora? | sig | sig\.ra | dott | dottoressa | avv | senhora? | dom | dona | panie? | pani
  | heer | mevrouw | meneer | mijnheer | dhr | mevr | hr | fru | gospodine? | gospođo
  | господин | госпожа | pán | pane
"""

_NAME = rf"{CAPITALIZED}(?<=\w\w)"
_TITLED = re.compile(
    rf"""
    \b (?=[CDFGHLMPRSmp]) (?P<titles> (?:
        (?: (?:Mr|Mrs|Ms|Messrs|Drs?|Prof)\.? | (?:Sens?|Reps?|Govs?|Gens?|Col|Lt|Sgt|Rev)\.
          | Herrn? | Frau | Monsieur | Madame | Mme | Mlle | Se[ñn]ora? | Signora? | Sig\.ra | Dott\. | Dhr\.
          | Mevr\. | [Mm]evrouw | [Mm]eneer | Pani | Panem | Panią )
        (?: \ &\ | \ and\ | \ und\ | \ et\ | \ y\ | \ ) )+ )
    (?!President|Chair|Speaker|Secretary|Justice|Director|Minister|Bundes|Pr[äé]sident)
    (?P<name> (?:[^\W\d_a-z]\.\ ?){{0,3}} {_NAME} (?:[ -]{_NAME})? )
    """,
    re.VERBOSE,
)
_JOINED = re.compile(r"\w+\.?(?= (?:&|and|und|et|y) )")


def persons_with_title(text: str) -> Iterator[Form]:
    """Yield names after titles as persons, and the titles as no names, surely so before another one.

    Examples
    --------
    >>> text = "Mr & Mrs Smith met Dr P. Patel"
    >>> [(text[one.start : one.end], one.kind) for one in persons_with_title(text)]
    [('Mr & Mrs ', 'O'), ('Mr', 'O'), ('Smith', 'PER'), ('Dr ', 'O'), ('P. Patel', 'PER')]
    """
    for match in _TITLED.finditer(text):
        yield Form(*match.span("titles"), "O", PERHAPS, whole=False)
        if joined := _JOINED.match(text, match.start("titles"), match.end("titles")):
            yield Form(*joined.span(), "O", SURE)
        yield Form(*match.span("name"), "PER", PERHAPS, whole=False)
