"""Lists of names, all found in one pass over a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_documents.names import fold
from ner_documents.sources import read_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ner_documents.folding import Folded

__all__ = ["MAX_LINES", "ListError", "NameList", "read_lines"]

#: Maximum number of lines in a list.
MAX_LINES = 1_000_000

# Letters; digits, which are often a footnote mark after a name; a single character of a script without spaces
# between words (Thai, Lao, Khmer, kana, Han, Hangul with its particles), or of any other kind.
_SPACELESS = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W\d_{_SPACELESS}]+|\d+|[^\w\s]")
_MAX_BYTES = 200_000_000


class ListError(ValueError):
    """A list of names cannot be read; the message names the file."""


class NameList:
    """Finds names as whole words, ignoring case and kind of white space.

    Names are looked up in a dictionary by their words, so the number of names does not affect search time.

    Parameters
    ----------
    names : iterable of str
        The names; blank ones are ignored.

    Examples
    --------
    >>> from ner_documents.folding import fold_text
    >>> list(NameList(["Mary Jones", "Ann"]).find(fold_text("MARY  JONES met Anna and Ann.")))
    [(0, 11), (25, 28)]
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._lengths: dict[str, tuple[int, ...]] = {}
        for name in names:
            words = _WORD.findall(fold(name))
            if words:
                self._names.add(" ".join(words))
                known = self._lengths.get(words[0], ())
                if len(words) not in known:
                    self._lengths[words[0]] = (*known, len(words))

    def __len__(self) -> int:
        return len(self._names)

    def find(self, folded: Folded) -> Iterator[tuple[int, int]]:
        """Find every occurrence; they may overlap.

        Yields
        ------
        (int, int)
            Start and end in the original text.
        """
        if not self._names:
            return
        spans = [found.span() for found in _WORD.finditer(folded.text)]
        words = [folded.text[start:end] for start, end in spans]
        for index, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                if " ".join(words[index : index + length]) in self._names and index + length <= len(words):
                    yield folded.original(spans[index][0], spans[index + length - 1][1])


def read_lines(path: Path) -> list[str]:
    """Read a list: UTF-8, one name per line; blank lines are skipped.

    Raises
    ------
    ListError
        If it holds too many names or is not UTF-8.
    OSError
        If it cannot be read, or is too large.
    """
    content = read_whole(str(path), _MAX_BYTES)
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        msg = f"{path}:{line}: expected UTF-8, found byte 0x{content[error.start]:02x}."
        raise ListError(msg) from None
    names = [name for line in lines if (name := line.strip())]
    if len(names) > MAX_LINES:
        msg = f"{path}: holds {len(names):,} names; up to {MAX_LINES:,} are read."
        raise ListError(msg)
    return names
