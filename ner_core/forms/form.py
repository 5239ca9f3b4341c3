"""What the form of some words shows, and what forms consist of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

__all__ = ["CAPITALIZED", "LIKELY", "PERHAPS", "SURE", "Form", "at_lines"]

#: Gains: what the form shows holds unless the model is very sure, mostly, or where the model is in doubt.
SURE, LIKELY, PERHAPS = 3000, 200, 20

#: A word with a capital letter, for regular expressions; those in the first brackets are small letters.
CAPITALIZED = r"(?![ß-öø-ÿа-яёіїєґά-ώ])[^\W\d_a-z][\w'\u2019-]*(?:\.[\w'\u2019-]+)*"


class Form(NamedTuple):
    """A slice of a text, and what its form shows.

    Attributes
    ----------
    start, end : int
        Characters.
    kind : str
        Common name of a type, or ``O`` for no name.
    gain : int
        How much likelier that is than the model says.
    whole : bool
        Whether the slice is one name, and not parts of several or a part of one.
    new : bool
        Whether it counts only where the model has found nothing of this kind in the slice.
    """

    start: int
    end: int
    kind: str
    gain: int
    whole: bool = True
    new: bool = False


def at_lines(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    r"""Yield the matches of a pattern at the beginnings of lines, which do not overlap.

    Examples
    --------
    >>> import re
    >>> [match.start() for match in at_lines(re.compile("[a-z]+"), "an apple\nBob\nand")]
    [0, 13]
    """
    start = 0
    while True:
        match = pattern.match(text, start)
        if match:
            yield match
            start = match.end()
        start = text.find("\n", start) + 1
        if not start:
            return
