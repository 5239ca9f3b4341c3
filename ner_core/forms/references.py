"""Authors in lists of references, recognized by their form: ``Okoro, C., Smith, J. & Brown, P. (2011)``.

Without commas and full stops, at least three of them, or a year in the line: ``Okoro C, Smith J, Brown PA.``

Models trained on news take rare surnames there for places.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_core.forms.form import LIKELY, Form, at_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["authors"]

_ENOUGH = 20
_AUTHOR = re.compile(
    r"""
    (?<![\w'\u2019-])  # else a long word would be tried from each of its letters
    (?P<surname>
        (?:(?!and|und|et)[a-z]{2,3}\ ){0,2} [^\W\d_a-z][\w'\u2019-]+ (?:\ [^\W\d_a-z][\w'\u2019-]+)? )
    (?: ,\s (?P<initials> (?:[^\W\d_a-z]\.[\ -]?){1,4} ) | \ (?P<letters>[^\W\d_a-z]{1,3}) (?!\w) )
    """,
    re.VERBOSE,
)
# Sooner found than authors.
_INITIALS = re.compile(r"[, ](?:(?<=,)\s[^\W\d_a-z]\.|(?<= )[^\W\d_a-z]{1,3}(?!\w))")
_BEFORE = re.compile(r"(?:\A|[\n.;(\])\u2022])\s*\Z")
_BETWEEN = re.compile(r"[,;]?\s*(?:(?:&\u034f*|and|und|et|y|e)\s)?")
_AFTER = re.compile(r"[,.]?\s*(?:et al\.?,?\s*)?(?:\([Ee]ds?\.\)[,.]?\s*)?\(?(?:1[89]|20)\d\d(?!\d)")
_AFTER_LETTERS = re.compile(r"(?:,? et al)?[.:](?P<year>.{0,400}?\b(?:1[89]|20)\d\d\b)?")
# https://en.wikipedia.org/wiki/RIS_(file_format)
_RIS = re.compile(r"(?:AU|A[1-4]|ED) {1,2}- (?P<surname>[^\n\r,]{1,60})(?:, (?P<given>[^\n\r,]{1,60}))?")


def authors(text: str) -> Iterator[Form]:
    """Yield the names of authors in RIS, or of those that follow each other up to a year or full stop.

    Examples
    --------
    >>> text = "Okoro, C. (2011). Ports."
    >>> [text[start:end] for start, end, *_ in authors(text)]
    ['Okoro', 'C. ']
    """
    together: list[re.Match[str]] = []
    for author in _AUTHOR.finditer(text) if _INITIALS.search(text) else ():
        if together and _BETWEEN.fullmatch(text, together[-1].end(), author.start()):
            together.append(author)
        else:
            together = [author] if _BEFORE.search(text, max(author.start() - 3, 0), author.start()) else []
        if together and _ends(text, together):
            for one in together:
                yield Form(*one.span("surname"), "PER", LIKELY, whole=False)
                yield Form(
                    *one.span("initials" if one["initials"] else "letters"), "PER", LIKELY, whole=False
                )
            together = []
    for author in at_lines(_RIS, text):
        for part in ("surname", "given"):
            if author[part]:
                yield Form(*author.span(part), "PER", LIKELY, whole=False)


def _ends(text: str, together: Sequence[re.Match[str]]) -> bool:
    """Return whether these are authors, and the last ones; Boston MA, Austin TX are none."""
    together = together[-_ENOUGH:]  # this is asked after each author
    end = together[-1].end()
    if together[-1]["initials"]:
        return _AFTER.match(text, end) is not None
    after = _AFTER_LETTERS.match(text, end)
    return (
        after is not None
        and (len(together) > 2 or after["year"] is not None)
        and len({one["surname"] for one in together}) > 1
        and any(len(one["letters"] or "") == 1 for one in together)
    )
