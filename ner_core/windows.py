"""Long texts as overlapping windows that end on word borders.

Each piece takes its logits from exactly one window, the one in which it has most context (it lies between the
middles of the overlaps with the neighbours). Entities are decoded after the logits of all windows are joined,
so an entity at a border is found once and whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ner_core.words import run_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LENGTH", "Window", "default_overlap", "plan", "plan_columns"]

#: Pieces in a window where nothing else is asked for, without special tokens; see docs/windows.md.
LENGTH = 126

# More shared pieces cost time and gain no F1.
_OVERLAP = 15

# They end a sentence if white space follows; full stops of Chinese and Japanese need nothing after them.
_STOPS = ".!?\u2026"
_WIDE_STOPS = "\u3002\uff01\uff1f"


@dataclass(frozen=True, slots=True)
class Window:
    """A range of pieces for the model, and the part of it whose logits are kept.

    Attributes
    ----------
    start, end : int
        Pieces that the model sees, end exclusive.
    keep_start, keep_end : int
        Pieces whose logits are taken from this window; all windows together cover every piece once.
    """

    start: int
    end: int
    keep_start: int
    keep_end: int


def default_overlap(length: int) -> int:
    """Return how many pieces neighbouring windows of this length share where nothing else is asked for.

    >>> default_overlap(126), default_overlap(30)
    (15, 7)
    """
    return min(_OVERLAP, length // 4)


def plan(
    text: str,
    offsets: np.ndarray,
    word: np.ndarray,
    segment: np.ndarray | None = None,
    *,
    length: int,
    overlap: int,
) -> list[Window]:
    r"""Cut the pieces of a text into windows.

    A segment that fits is one window. In a longer one, windows overlap; each ends after the last sentence
    that ends in its second half, else after the last word that fits. Only a word longer than a window is cut.

    Parameters
    ----------
    text : str
        The text.
    offsets : ndarray of int, shape (pieces, 2)
        Character offsets of the pieces.
    word : ndarray of int, shape (pieces,)
        Word index of each piece, non-decreasing.
    segment : ndarray of int, shape (pieces,), optional
        Segment of each piece, non-decreasing; the whole text is one segment when not given.
    length : int
        Maximum pieces in a window, without special tokens.
    overlap : int
        Minimum pieces that neighbouring windows of a segment share, unless words are too long for that; at
        most half a window.

    Returns
    -------
    list of Window
        In order; empty if there are no pieces.

    Examples
    --------
    >>> offsets = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]])
    >>> plan("a b c d e f", offsets, np.arange(6), length=4, overlap=2)
    [Window(start=0, end=4, keep_start=0, keep_end=3), Window(start=2, end=6, keep_start=3, keep_end=6)]
    >>> plan("a b\nc d e f", offsets, np.arange(6), np.array([0, 0, 1, 1, 1, 1]), length=4, overlap=2)
    [Window(start=0, end=2, keep_start=0, keep_end=2), Window(start=2, end=6, keep_start=2, keep_end=6)]
    """
    count = len(word)
    if not count:
        return []
    starts = [0] if segment is None else run_starts(segment).tolist()
    segments = list(pairwise([*starts, count]))
    if all(end - start <= length for start, end in segments):
        return [Window(start, end, start, end) for start, end in segments]
    words = run_starts(word)
    sentences = _sentence_starts(text, offsets, words)
    borders = np.append(words, count)
    windows = []
    for start, end in segments:
        windows += _keep(
            _ranges(start, end, length, min(overlap, length // 2), borders, sentences), borders, sentences
        )
    return windows


def plan_columns(
    column: np.ndarray, segment: np.ndarray, *, length: int, between: int
) -> Iterator[np.ndarray]:
    """Put the cells of each column side by side, as many as a window has room for.

    Parameters
    ----------
    column : ndarray of int, shape (pieces,)
        Column of each piece, -1 for none.
    segment : ndarray of int, shape (pieces,)
        Segment of each piece, non-decreasing; a segment has at most one cell.
    length : int
        Maximum pieces in a window, without special tokens; longer cells are left out.
    between : int
        Pieces of the mark between two cells.

    Yields
    ------
    ndarray of int
        The pieces of a window, and -1, -2, … for those of a mark. The first cell has its key before it.

    Examples
    --------
    >>> column, segment = np.array([-1, 0, 1, 1, -1, 0]), np.array([0, 0, 1, 1, 2, 2])
    >>> [window.tolist() for window in plan_columns(column, segment, length=9, between=1)]
    [[0, 1, -1, 5], [2, 3]]
    """
    mark = [-1 - place for place in range(between)]
    firsts = run_starts(segment)
    cells: dict[int, list[tuple[int, int, int]]] = {}
    for first, end in pairwise([*firsts.tolist(), len(segment)]):
        number = int(column[end - 1])
        if number >= 0:
            begin = first + int(np.argmax(column[first:end] >= 0))
            cells.setdefault(number, []).append((first, begin, end))
    for one in cells.values():
        shown: list[int] = []
        for first, begin, end in one:
            if shown and len(shown) + between + end - begin <= length:
                shown += [*mark, *range(begin, end)]
                continue
            if shown:
                yield np.array(shown)
            shown = list(range(first, end)) if end - first <= length else []
        if shown:
            yield np.array(shown)


def _ranges(
    start: int, stop: int, length: int, overlap: int, words: np.ndarray, sentences: np.ndarray
) -> list[tuple[int, int]]:
    """Cut one segment into overlapping ranges of pieces."""
    ranges: list[tuple[int, int]] = []
    end = start
    while stop - start > length:
        limit = start + length
        end = _last(sentences, max(start + length // 2, end), limit) or _last(words, end, limit) or limit
        ranges.append((start, end))
        start = _next_start(start, end, length, overlap, words, sentences)
    return [*ranges, (start, stop)]


def _next_start(
    start: int, end: int, length: int, overlap: int, words: np.ndarray, sentences: np.ndarray
) -> int:
    """Step back from the end of a window by the overlap, to a sentence or word border after its start.

    Step back less if the next window would otherwise end inside its first new word, unless no window has
    room for that word.
    """
    target = max(end - overlap, start)
    reach = _next(words, end) - length
    low = reach if reach <= end else start
    borders = (
        _last(sentences, max(start, target - overlap), target),
        _last(words, start, target),
        _next(words, max(target, low - 1)),
    )
    return next((border for border in borders if border and low <= border <= end), max(target, start + 1))


def _keep(ranges: list[tuple[int, int]], words: np.ndarray, sentences: np.ndarray) -> list[Window]:
    """Divide the overlaps between neighbours, at the sentence or word border nearest to the middle."""
    borders = [ranges[0][0]]
    for (_, end), (start, _) in pairwise(ranges):
        middle = (start + end) // 2
        quarter = (end - start) // 4
        border = _nearest(sentences, middle, middle - quarter, middle + quarter)
        if border is None:
            border = _nearest(words, middle, start, end)
        borders.append(max(middle if border is None else border, borders[-1]))
    borders.append(ranges[-1][1])
    return [
        Window(start, end, keep_start, keep_end)
        for (start, end), keep_start, keep_end in zip(ranges, borders, borders[1:], strict=False)
    ]


def _last(borders: np.ndarray, after: int, until: int) -> int | None:
    """Return the last border in (after, until], or None."""
    index = int(np.searchsorted(borders, until, side="right")) - 1
    return int(borders[index]) if index >= 0 and borders[index] > after else None


def _next(borders: np.ndarray, after: int) -> int:
    """Return the first border beyond a piece of the text."""
    return int(borders[np.searchsorted(borders, after, side="right")])


def _nearest(borders: np.ndarray, middle: int, low: int, high: int) -> int | None:
    """Return the border in [low, high] that is nearest to the middle, or None."""
    index = int(np.searchsorted(borders, middle))
    near = [int(border) for border in borders[max(index - 1, 0) : index + 1] if low <= border <= high]
    return min(near, key=lambda border: abs(border - middle), default=None)


def _sentence_starts(text: str, offsets: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Return the pieces that begin a sentence: after a full stop and white space."""
    ends = offsets[words[1:] - 1, 1].tolist()
    begins = [
        text[end - 1] in _WIDE_STOPS or (text[end - 1] in _STOPS and text[end : end + 1].isspace())
        for end in ends
    ]
    return words[1:][np.array(begins, bool)]
