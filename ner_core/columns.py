"""Layout of a labelled file: which column holds the words, which the tags, and how tags are written.

Files with the same suffix differ: two columns (WNUT17), four with the tag last (CoNLL-2003, MultiCoNER), an
index before the word and an annotator after the tag (Universal NER); comments that begin with ``#``; tags
with the prefix at the end (``PER-B``); a first line that names the columns. The layout is inferred from the
first lines. A tag that is neither ``O`` nor a prefix and a type is an error, never a type.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_core.labels import notations, written

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Layout", "columns", "find_layout", "is_no_word"]

_NOTATIONS = notations("[-_]")
_BARE = re.compile(r"[^\W\d_]\w+(?:[-/ ]\w+)*")
_INDEX = re.compile(r"\d+(?:[-.]\d+)?")
_NO_WORD = re.compile(r"\d+[-.]\d+")
# How a first line names columns, as in "Sentence #,Word,POS,Tag".
_NAME = re.compile(
    r"(?P<sentence>sent(?:ence)?(?:[\W_].*)?)"
    r"|(?:.*[\W_])?(?:(?P<word>(?:word|token|form|text)s?)|(?P<tag>(?:tag|label|ner|entity|iob2?|bio)s?))",
    re.IGNORECASE,
)

_DEFAULT_WIDTH = 2


@dataclass(frozen=True)
class Layout:
    """How to read the lines of a file.

    Attributes
    ----------
    width : int
        Columns of most lines.
    word, tag : int
        Columns, counted from 0, or from the end with negative numbers.
    suffixed : bool
        Whether the prefix comes after the type, as in ``PER-B``.
    bare : bool
        Whether a type may have no prefix: in files of two columns or with a header where none has, but some
        words have ``O``; or in a column that the user named.
    header : list of str or None
        The line that names the columns, if there is one.
    sentence : int or None
        The column of the header that numbers the sentences.
    """

    width: int
    word: int
    tag: int
    suffixed: bool = False
    bare: bool = False
    header: list[str] | None = None
    sentence: int | None = None

    def is_comment(self, fields: Sequence[str]) -> bool:
        """Return whether a line that begins with ``#`` is a comment and not the word ``#``."""
        return not (len(fields) == self.width and self.read_tag(fields[self.tag]) is not None)

    def read_tag(self, tag: str) -> str | None:
        """Return a tag with its prefix in front, or None if the value is no tag."""
        if found := _NOTATIONS[self.suffixed].fullmatch(tag):
            return written(found)
        return tag if tag == "O" or (self.bare and _BARE.fullmatch(tag)) else None


def columns(line: str) -> list[str]:
    """Split one line; an empty list for a line of nothing but white space."""
    if not line.strip():
        return []
    if "\t" in line:
        return [field.strip(" ") for field in line.split("\t")]
    return [field for field in line.split(" ") if field]


def find_layout(rows: Sequence[Sequence[str]], word: int | None = None, tag: int | None = None) -> Layout:
    """Infer the layout of a file from some of its lines.

    Parameters
    ----------
    rows : sequence of sequences of str
        Columns of lines that are not blank.
    word, tag : int, optional
        Columns that the user named.

    Returns
    -------
    Layout
        The word is in the first column, or in the second after an index or the tag; the tag in the last of
        the columns with the most tags.

    Examples
    --------
    >>> rows = [["# id", "7"], ["1", "Mary", "B-PER", "-", "ann"], ["2", "sings", "O", "-", "ann"]]
    >>> find_layout(rows)
    Layout(width=5, word=1, tag=2, suffixed=False, bare=False, header=None, sentence=None)
    """
    likely = [row for row in rows if not row[0].startswith("#")]
    named = _columns_named(likely[0]) if likely else {}
    header = list(likely.pop(0)) if named else None
    likely = [row for row in likely if not is_no_word(row)] or likely
    widths = Counter(map(len, likely))
    width = max(widths, key=lambda one: (widths[one], one)) if widths else _DEFAULT_WIDTH
    likely = [row for row in likely if len(row) == width]
    given = tag is not None
    if tag is None:
        held = [sum(map(_is_tag, column)) for column in zip(*likely, strict=True)]
        tag = len(held) - 1 - held[::-1].index(max(held)) if width > 1 and held else -1
    if word is None:
        word = named.get("word")
    if word is None:
        counted = width > _DEFAULT_WIDTH and tag != 1 and all(_INDEX.fullmatch(row[0]) for row in likely)
        word = int(tag == 0 or counted)
    found = {row[tag] for row in likely if -width <= tag < width}
    prefixed, suffixed = (any(map(notation.fullmatch, found)) for notation in _NOTATIONS)
    suffixed = suffixed and not prefixed
    all_bare = not prefixed and "O" in found and (width == _DEFAULT_WIDTH or header is not None)
    bare = not suffixed and (given or all_bare)
    return Layout(width, word, tag, suffixed, bare, header, named.get("sentence"))


def _columns_named(row: Sequence[str]) -> dict[str | None, int]:
    """Return the columns that a row names; none unless it names words and tags, and holds no tag itself."""
    matches = [(_NAME.fullmatch(cell), index) for index, cell in enumerate(row)]
    named = {match.lastgroup: index for match, index in reversed(matches) if match}
    return named if named.keys() >= {"word", "tag"} and not any(map(_is_tag, row)) else {}


def is_no_word(fields: Sequence[str], *, tagged: bool = True) -> bool:
    """Return whether the index of a line is one that CoNLL-U does not count as a word.

    ``2-3`` marks the written form of two words, ``8.1`` a word that is not in the text
    (https://universaldependencies.org/format.html). In a line of only a number and a tag, the number is a
    word.

    Examples
    --------
    >>> is_no_word(["2-3", "O"]), is_no_word(["2-3", "al"], tagged=False)
    (False, True)
    >>> is_no_word(["2-3", "al", "O"]), is_no_word(["8.1", "went", "O"]), is_no_word(["2", "a", "O"])
    (True, True, False)
    """
    return len(fields) > 1 + tagged and _NO_WORD.fullmatch(fields[0]) is not None


def _is_tag(value: str) -> bool:
    return value == "O" or any(notation.fullmatch(value) for notation in _NOTATIONS)
