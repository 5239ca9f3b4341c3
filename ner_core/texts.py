"""Texts as callers give them: strings or words, one or many, with segments or without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from itertools import repeat, zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Segments = Sequence[tuple[int, int]] | None
    Item = tuple[str | Sequence[str], Segments]

__all__ = ["check_several", "checked_text", "in_order", "until_failure", "with_segments"]

_END: Any = object()
_Any = TypeVar("_Any")


def check_several(texts: Any) -> None:
    """Raise TypeError for a single text: iterating it would yield its characters as texts."""
    if isinstance(texts, (str, bytes)):
        msg = f"Expected several texts, found one {type(texts).__name__}; call the recognizer with one."
        raise TypeError(msg)
    if not isinstance(texts, Iterable):
        msg = f"Expected several texts, found {type(texts).__name__}."
        raise TypeError(msg)


def with_segments(
    texts: Iterable[str | Sequence[str]], segments: Iterable[Segments] | None
) -> Iterator[Item]:
    """Pair texts with their segments, or with None where no segments are given.

    Raises
    ------
    ValueError
        If their numbers differ.
    """
    if segments is None:
        yield from zip(texts, repeat(None))
        return
    for number, (text, given) in enumerate(zip_longest(texts, segments, fillvalue=_END)):
        if text is _END or given is _END:
            more, fewer = ("segments", "texts") if text is _END else ("texts", "segments")
            msg = f"Expected segments (or None) for each text, found {number} {fewer} and more {more}."
            raise ValueError(msg)
        yield text, given


def until_failure(items: Iterator[_Any], failures: list[Exception]) -> Iterator[_Any]:
    """Yield items until one fails; the caller raises the failure after it has answered the items before."""
    try:
        yield from items
    except Exception as error:  # noqa: BLE001
        failures.append(error)


def in_order(numbered: Iterable[tuple[int, _Any]]) -> Iterator[_Any]:
    """Yield items by their numbers, which count from 0, each once all before it have come.

    Examples
    --------
    >>> list(in_order([(1, "b"), (0, "a"), (2, "c")]))
    ['a', 'b', 'c']
    """
    waiting: dict[int, _Any] = {}
    following = 0
    for number, item in numbered:
        waiting[number] = item
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def checked_text(text: Any) -> str | tuple[str, ...]:
    """Accept a string, or words."""
    if isinstance(text, str):
        return text
    if isinstance(text, (bytes, bytearray, Mapping, Set)) or not isinstance(text, Iterable):
        hint = ": decode it first" if isinstance(text, (bytes, bytearray)) else ""
        msg = f"Expected a text or a list of words, found {type(text).__name__}{hint}."
        raise TypeError(msg)
    words = tuple(text)
    for index, word in enumerate(words):
        if not isinstance(word, str):
            msg = f"Expected a list of words, found {type(word).__name__} at position {index}."
            raise TypeError(msg)
    return words
