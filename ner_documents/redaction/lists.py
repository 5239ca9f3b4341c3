"""Lists of names, found in a text all at once (Aho-Corasick), whatever their number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ner_documents.names import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ner_documents.redaction.folding import Folded

__all__ = ["MAX_LINES", "ListError", "NameList", "read_lines"]

#: Most lines of a list.
MAX_LINES = 1_000_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_BYTES = 200_000_000


class ListError(ValueError):
    """A list of names cannot be read; the message names the file."""


class NameList:
    """Finds names as whole words, in any case and over any white space.

    Parameters
    ----------
    names : iterable of str
        The names; empty ones are left out.

    Examples
    --------
    >>> from ner_documents.redaction.folding import fold_text
    >>> list(NameList(["Mary Jones", "Ann"]).find(fold_text("MARY  JONES met Anna and Ann.")))
    [(0, 11), (25, 28)]
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(dict.fromkeys(folded for name in names if (folded := _encodable(fold(name)))))
        self._automaton = None
        if self._names:
            from ahocorasick_rs import AhoCorasick

            self._automaton = AhoCorasick(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def find(self, folded: Folded) -> Iterator[tuple[int, int]]:
        """Find every occurrence; they may overlap.

        Yields
        ------
        (int, int)
            Start and end in the text as it was.
        """
        if self._automaton is None:
            return
        text = _encodable(folded.text)
        for _, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if _is_border(text, start) and _is_border(text, end):
                yield folded.original(start, end)


def _encodable(text: str) -> str:
    """Replace halves of surrogate pairs, which Rust's strings cannot hold."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _is_border(text: str, index: int) -> bool:
    """Tell whether no word goes on here; scripts without spaces have borders everywhere."""
    if index in (0, len(text)):
        return True
    before, after = text[index - 1], text[index]
    return not (before.isalnum() and after.isalnum()) or _spaceless(before) or _spaceless(after)


def _spaceless(character: str) -> bool:
    return "\u0e00" <= character <= "\u0eff" or "\u3040" <= character <= "\u9fff" or character >= "\U00020000"


def read_lines(path: Path) -> list[str]:
    """Read a list: UTF-8, one name a line; blank lines are left out.

    Raises
    ------
    ListError
        If it is too large or not UTF-8.
    OSError
        If it cannot be read.
    """
    if path.stat().st_size > _MAX_BYTES:
        msg = f"{path}: lists of up to {_MAX_BYTES // 1_000_000} MB are read; split it."
        raise ListError(msg)
    content = path.read_bytes()
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
