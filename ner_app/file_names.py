"""Distinct names for files with the same name: uploads come from different folders."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ner_documents.formats import format_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["distinct"]


def distinct(names: Iterable[str]) -> list[str]:
    """Return distinct names, also where case does not count: repeated ones get a number.

    Examples
    --------
    >>> distinct(["note.txt", "Note.txt", "a.csv.gz", "a.csv.gz"])
    ['note.txt', 'Note (2).txt', 'a.csv.gz', 'a (2).csv.gz']
    """
    found: dict[str, str] = {}
    for name in names:
        ends = "".join(PurePosixPath(name).suffixes[-2 if format_by_name(name)[1] else -1 :])
        stem, number, one = name.removesuffix(ends), 1, name
        while one.casefold() in found:
            number += 1
            one = f"{stem} ({number}){ends}"
        found[one.casefold()] = one
    return list(found.values())
