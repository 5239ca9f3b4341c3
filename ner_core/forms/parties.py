"""Parties of contracts and lawsuits by their role: the Licensee, ("Lessor"), der Auftraggeber, le Bailleur.

They have capitals, and models trained on news take the rarer ones for organisations or persons.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ner_core.forms.form import PERHAPS, Form
from ner_core.forms.meanings import read_lists, singular

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parties"]

_WORD = re.compile(r"(?<![\w'\u2019.-])[^\W\d_a-z]\w{3,}(?![\w-]|\.[a-z])")
# Beside another capitalised word, it may be part of a name: Vendor Systems Inc., Labour Party.
_CAPITAL_AFTER = re.compile(r"[ \u00a0]+[^\W\d_a-z][\w'\u2019]*[a-z]")
_WORD_BEFORE = re.compile(r"[^\W\d_][\w'\u2019-]*(?=[ \u00a0]\Z)")
# Words that only a beginning sentence writes with a capital.
_NO_NAME = re.compile(
    r"the|an?|each|either|neither|both|such|any|all|other|this|that|if|to|by|and|or|of|for|from|in|on|upon|between"
    r"|where|when|as|whether|unless|until|with|de[rmns]?|die|das|l[aei]s?|une?|el|los|il|gli|os?|het"
)
_NEAR = 40


def parties(text: str) -> Iterator[Form]:
    """Yield roles of parties as no names.

    Examples
    --------
    >>> text = "The Licensee pays Acme Corp (the Lessor), not Vendor Systems Inc."
    >>> [text[one.start : one.end] for one in parties(text)]
    ['Licensee', 'Lessor']
    """
    for match in _WORD.finditer(text):
        gain = _gain(match[0].lower())
        if gain is None:
            continue
        before = _WORD_BEFORE.search(text, max(match.start() - _NEAR, 0), match.start())
        named = before and before[0][0].isupper() and not _NO_NAME.fullmatch(before[0].lower())
        if named or _CAPITAL_AFTER.match(text, match.end()):
            continue
        # In a text in capitals, the next word may also belong to it.
        yield Form(*match.span(), "O", PERHAPS if match[0].isupper() else gain)


def _gain(word: str) -> int | None:
    return _gains().get(word) or _gains().get(singular(word))


@cache
def _gains() -> dict[str, int]:
    """Return by role how much likelier it is no name than the model says."""
    return {role: int(gain) for gain, roles in read_lists("parties.txt") for role in roles}
