"""Texts of a PDF that know their characters, and their direction of writing."""

from __future__ import annotations

import re
import unicodedata
from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["HYPHENS", "SOFT_HYPHEN", "Letters", "is_leftward", "logical"]

SOFT_HYPHEN = "\u00ad"
HYPHENS = (SOFT_HYPHEN, "-", "\u2010")
# Right-to-left scripts: Hebrew to Mandaic, Arabic forms, and those beyond the first plane.
_LEFTWARD = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


class Letters(str):
    """A text that remembers which characters of the file it consists of, so that they can be found again.

    Slices, `strip`, `join` and `sub` keep the numbers; everything else returns a plain text.

    Attributes
    ----------
    numbers : array of int
        For each character its number among all characters of the file; -1 for an added one.

    Examples
    --------
    >>> text = Letters(" ").join([Letters("Jones", array("i", range(5))), "M."])
    >>> text[::-1], text[::-1].numbers.tolist()
    ('.M senoJ', [-1, -1, -1, 4, 3, 2, 1, 0])
    """

    __slots__ = ("numbers",)
    numbers: array[int]

    def __new__(cls, text: str = "", numbers: array[int] | None = None) -> Letters:
        """Create a text; without numbers, it is an added one."""
        self = super().__new__(cls, text)
        self.numbers = array("i", [-1]) * len(text) if numbers is None else numbers
        return self

    def __getitem__(self, key: Any) -> Letters:
        """Return a slice or a character."""
        part = super().__getitem__(key)
        return Letters(
            part, self.numbers[key] if isinstance(key, slice) else self.numbers[key : key + 1 or None]
        )

    def strip(self, characters: str | None = None, /) -> Letters:
        """Remove white space, or some characters, at both ends."""
        end = len(self.rstrip(characters))
        return self[end - len(super().strip(characters)) : end]

    def join(self, parts: Iterable[str], /) -> Letters:
        """Join parts, plain ones of which are added text."""
        parts = list(parts)
        numbers = array("i")
        for index, part in enumerate(parts):
            if index:
                numbers += self.numbers
            numbers += part.numbers if isinstance(part, Letters) else array("i", [-1]) * len(part)
        return Letters(super().join(parts), numbers)

    def sub(self, pattern: re.Pattern[str], make: Callable[[re.Match[str]], str]) -> Letters:
        """Replace what a pattern finds."""
        parts: list[str] = []
        end = 0
        for match in pattern.finditer(self):
            parts += [self[end : match.start()], make(match)]
            end = match.end()
        return Letters().join([*parts, self[end:]]) if parts else self


def logical(text: Letters) -> Letters:
    """Convert a line from visual (left-to-right) to reading order.

    Examples
    --------
    >>> logical(Letters("Mary: םולש 12"))
    'Mary: שלום 12'
    >>> logical(Letters("(12 Rome) םולש םולש"))
    'שלום שלום (12 Rome)'
    """
    if not is_leftward(text):
        return text
    kinds = "".join(map(_kind, text))
    if kinds.count("R") > kinds.count("L"):
        text, kinds = _flipped(text), kinds[::-1]
        inner = re.compile("L(?:[^R]*L)?")
    else:
        inner = re.compile("R(?:[^L]*R)?")
    for match in inner.finditer(kinds):
        start, end = match.span()
        text = Letters().join((text[:start], _flipped(text[start:end]), text[end:]))
    return text


def is_leftward(text: str) -> bool:
    """Return whether a text has letters of a right-to-left script."""
    return _LEFTWARD.search(text) is not None


def _flipped(text: Letters) -> Letters:
    return Letters(text[::-1].translate(_MIRRORED), text.numbers[::-1])


def _kind(letter: str) -> str:
    kind = unicodedata.bidirectional(letter)
    return "R" if kind in ("R", "AL", "NSM") else "L" if kind in ("L", "EN", "AN") else "N"
