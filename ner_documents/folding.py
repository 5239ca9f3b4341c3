"""Texts normalised in case, composition and white space, with a mapping to the original."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

__all__ = ["QUOTES", "Folded", "fold", "fold_joined", "fold_text", "join_words"]

# Combining marks; vowels and final consonants of Korean are such.
_MARKS = "\u0300-\u036f\u1160-\u11ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# White space, also with the marks of a quoted line, or a character with its marks.
_CLUSTER = re.compile(rf"\s*\n[ \t]*>[> \t]*|\s+|.[{_MARKS}]*", re.DOTALL)
_UNEVEN_SPACE = re.compile(r"\s\s|[^\S ]")
_LINE_END = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad][^\S\r\n]*(?:\r\n?|\n)(?:[^\S\r\n]|>)*(?=[^\W\d_])")
QUOTES = str.maketrans("\u2018\u2019\u02bc\uff07", "''''")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text.

    Attributes
    ----------
    text : str
        The folded text, which is searched.
    starts, ends : list of int or None
        For each of its characters, start and end in the original; None if the positions are equal.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Map a non-empty slice to the original."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold_text(text: str) -> Folded:
    r"""Normalize case, composition, white space, underscores and kinds of apostrophe, keeping positions.

    Examples
    --------
    >>> folded = fold_text("E\u0301VA  No\u00adwak")
    >>> folded.text, folded.original(0, 3), folded.original(4, 9)
    ('éva nowak', (0, 4), (6, 12))
    """
    text = text.replace("_", " ")
    if text.isascii() and not _UNEVEN_SPACE.search(text):
        return Folded(text.lower())
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        part = _folded_cluster(cluster[0])
        parts.append(part)
        starts += [cluster.start()] * len(part)
        ends += [cluster.end()] * len(part)
    return Folded("".join(parts), starts, ends)


def fold(text: str) -> str:
    r"""Fold a name as `fold_text` folds a text, with single spaces.

    Examples
    --------
    >>> fold("JOSE\u0301\n  O\u2019Neill"), fold("Mary\n> > Jones")
    ("josé o'neill", 'mary jones')
    """
    plain = text.isascii() and "\n" not in text
    folded = text.lower() if plain else "".join(map(_folded_cluster, _CLUSTER.findall(text)))
    return " ".join(folded.replace("_", " ").split())


def join_words(text: str) -> str:
    r"""Join words that are hyphenated at a line end.

    Examples
    --------
    >>> join_words("No-\nwak and Jones-Smith")
    'Nowak and Jones-Smith'
    """
    return _LINE_END.sub("", text)


def fold_joined(text: str) -> Folded | None:
    r"""Fold a text with words joined across line ends; None if there are none.

    Examples
    --------
    >>> folded = fold_joined("Ms. No-\nwak left.")
    >>> folded.text, folded.original(4, 9)
    ('ms. nowak left.', (4, 11))
    """
    cuts = [cut.span() for cut in _LINE_END.finditer(text)]
    if not cuts:
        return None
    places: list[int] = []
    position = 0
    for start, end in [*cuts, (len(text), len(text))]:
        places += range(position, start)
        position = end
    folded = fold_text(join_words(text))
    originals = [folded.original(index, index + 1) for index in range(len(folded.text))]
    starts = [places[start] for start, _ in originals]
    return Folded(folded.text, starts, [places[end - 1] + 1 for _, end in originals])


@functools.lru_cache(maxsize=1 << 16)
def _folded_cluster(cluster: str) -> str:
    if cluster[0].isspace():
        return " "
    if cluster.isascii():
        return cluster.lower()
    if unicodedata.category(cluster[0]) == "Cf":
        return ""
    return unicodedata.normalize("NFKC", cluster).casefold().translate(QUOTES)
