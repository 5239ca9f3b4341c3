"""Tag probabilities of units (pieces or words), for many texts at once.

The arrays of all texts of a round are concatenated, so that numpy is called once per round instead of once
per text, where most of the decoding time of sentences would go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ner_core.aggregation import AS_WRITTEN, checked_aggregation
from ner_core.words import elided_articles, run_ends, run_starts

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Pieces", "Units", "find_units", "softmax"]

# Weight of the pieces after the first in the type of a word.
_LATER_PIECES = 0.3

# A user name up to the next word. One that is spelled like any other word may begin a longer name: "dinner
# @Madison Square Garden", and in words that the user gave, where @ stands alone, "@ dallas Texas".
_USER_NAME = re.compile(r"(?<![\w@])@(?!(?:[A-Z][a-z]+|[A-Z]+)\s)\w+\s+(?=[\w@])")
_GIVEN_USER_NAME = re.compile(r"(?<!\S)@ (?=\w*(?:[\d_]|[a-z][A-Z]))\w+ (?=[\w@])")


class Pieces(NamedTuple):
    """The pieces of one text and their logits.

    Attributes
    ----------
    text : str
        The text.
    logits : ndarray of float32, shape (pieces, labels)
        Output of the model without special tokens.
    offsets : ndarray of int, shape (pieces, 2)
        Character offsets of the pieces.
    word : ndarray of int, shape (pieces,)
        Word of each piece, non-decreasing.
    segment : ndarray of int, shape (pieces,), or None
        Segment of each piece; no entity crosses from one into another.
    token : ndarray of int, shape (pieces,), or None
        The tokenizer's word of each piece: later pieces of the first piece's word contribute to the type.
    split : bool
        Whether `word` numbers words that the user gave.
    cells : ndarray of int, shape (pieces, 2), or None
        Column of each piece in a table, a list or a form, -1 for none, and 1 in the first row of a table.
    together : ndarray of float32, shape (pieces, labels), or None
        Output of the model for the pieces in columns, where it saw the other cells of the column; None if
        there are no columns.
    """

    text: str
    logits: np.ndarray
    offsets: np.ndarray
    word: np.ndarray
    segment: np.ndarray | None = None
    token: np.ndarray | None = None
    split: bool = False
    cells: np.ndarray | None = None
    together: np.ndarray | None = None


@dataclass(slots=True)
class Units:
    """Pieces or words of several texts, one after the other.

    Attributes
    ----------
    text : ndarray of int, shape (units,)
        Number of the text.
    starts : ndarray of int, shape (units,)
        First piece of each unit, numbered over all texts.
    begin, end : ndarray of int, shape (units,)
        Slice of its text.
    word : ndarray of int, shape (units,)
        Number of the word in its text.
    apart : ndarray of bool, shape (units,)
        Whether a text or a segment begins here, or a user name has just ended.
    probabilities : ndarray of float32, shape (units, labels)
        Of the tags.
    energy : ndarray of float32, shape (units,)
        Logarithm of the sum of the exponentials of the logits of the first piece.
    cells : ndarray of int, shape (units, 2), or None
        As for pieces, with columns counted over all texts.
    together : ndarray of float32, shape (units, labels), or None
        Probabilities of the tags where the model saw the other cells of the column.
    """

    text: np.ndarray
    starts: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    word: np.ndarray
    apart: np.ndarray
    probabilities: np.ndarray
    energy: np.ndarray
    cells: np.ndarray | None
    together: np.ndarray | None

    def __len__(self) -> int:
        return len(self.starts)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities along the last axis, without overflow.

    Parameters
    ----------
    logits : ndarray of float32, shape (..., labels)
        Finite numbers of any size.

    Returns
    -------
    ndarray of float32, same shape

    Examples
    --------
    >>> softmax(np.float32([[1000, 1000]])).tolist()
    [[0.5, 0.5]]
    """
    return _softmax(logits)[0]


def find_units(texts: Sequence[Pieces], strategy: str, type_of_tag: np.ndarray) -> Units:
    """Find the units of texts.

    Parameters
    ----------
    texts : sequence of Pieces
        None of them without pieces.
    strategy : str
        One of `ner_core.AGGREGATIONS`.
    type_of_tag : ndarray of int, shape (labels,)
        Type of each label, -1 for none.

    Returns
    -------
    Units
    """
    checked_aggregation(strategy)
    lengths = np.array([len(one.word) for one in texts])
    borders = np.cumsum(lengths) - lengths
    offsets = _joined([one.offsets for one in texts])
    word = _joined([one.word for one in texts])
    begins = np.ones(len(word), bool)
    if strategy not in ("none", "simple"):
        begins[1:] = word[1:] != word[:-1]
        begins[borders] = True
    if strategy == "word":
        begins[_after_outside_articles(texts, borders, type_of_tag)] = True
    starts = begins.nonzero()[0]
    ends = run_ends(starts, len(word))
    segment = _joined([np.zeros_like(one.word) if one.segment is None else one.segment for one in texts])
    apart = np.ones(len(starts), bool)
    apart[1:] = segment[starts[1:]] != segment[starts[:-1]]
    apart[np.searchsorted(starts, borders)] = True
    if strategy in AS_WRITTEN:
        apart[np.searchsorted(starts, _after_user_names(texts, borders))] = True
    # In words that the user gave, only the first piece counts.
    token = _joined([np.arange(len(one.word)) if one.token is None else one.token for one in texts])

    def read(
        outputs: list[np.ndarray], begins: np.ndarray, token: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        logits, starts = _joined(outputs), begins.nonzero()[0]
        ends = run_ends(starts, len(begins))
        probabilities, energy = _tag_probabilities(logits, starts, ends, strategy)
        _mix_in_later_pieces(probabilities, logits, starts, begins, token, type_of_tag)
        return probabilities, energy

    probabilities, energy = read([one.logits for one in texts], begins, token)
    cells = together = None
    twice = [one.together for one in texts if one.together is not None]
    if twice:
        cells, together = _cells(texts)[starts], probabilities.copy()
        inside = np.repeat([one.together is not None for one in texts], lengths)
        together[inside[starts]], _ = read(twice, begins[inside], token[inside])
    return Units(
        np.repeat(np.arange(len(texts)), lengths)[starts],
        starts,
        offsets[starts, 0],
        offsets[ends - 1, 1],
        word[starts],
        apart,
        probabilities,
        energy,
        cells,
        together,
    )


def _cells(texts: Sequence[Pieces]) -> np.ndarray:
    """Return the cells of all pieces, with columns counted over all texts."""
    cells = _joined(
        [np.full((len(one.word), 2), (-1, 0)) if one.cells is None else one.cells for one in texts]
    )
    lasts = [0 if one.cells is None else int(one.cells[:, 0].max()) + 1 for one in texts]
    earlier = np.repeat(np.cumsum(lasts) - lasts, [len(one.word) for one in texts])
    return cells + np.stack([np.where(cells[:, 0] < 0, 0, earlier), np.zeros_like(earlier)], 1)


def _after_outside_articles(
    texts: Sequence[Pieces], borders: np.ndarray, type_of_tag: np.ndarray
) -> list[int]:
    """Return the pieces after elided articles that the model tags as outside.

    A capitalised article may begin a sentence (L'Italia) or a name (L'Aquila).
    """
    found: list[int] = []
    for one, border in zip(texts, borders.tolist(), strict=True):
        for start, end in [] if one.split else elided_articles(one.text):
            article = int(np.searchsorted(one.offsets[:, 1], start, side="right"))
            behind = int(np.searchsorted(one.offsets[:, 0], end))
            if (
                behind < len(one.offsets)
                and one.offsets[behind, 0] == end
                and type_of_tag[one.logits[article].argmax()] < 0
            ):
                found.append(border + behind)
    return found


def _after_user_names(texts: Sequence[Pieces], borders: np.ndarray) -> list[int]:
    """Return the first pieces of the words after user names, which are whole names: ``@anna_k Bob``."""
    found: list[int] = []
    for one, border in zip(texts, borders.tolist(), strict=True):
        if "@" not in one.text:
            continue
        for match in (_GIVEN_USER_NAME if one.split else _USER_NAME).finditer(one.text):
            behind = int(np.searchsorted(one.offsets[:, 1], match.end(), side="right"))
            if behind < len(one.offsets):
                found.append(border + behind)
    return found


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _softmax(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, and the logarithm of the sum of exponentials."""
    highest = logits.max(axis=-1, keepdims=True)
    powers = np.exp(logits - highest)
    sums = powers.sum(axis=-1, keepdims=True)
    powers /= sums
    return powers, (highest + np.log(sums))[..., 0]


def _tag_probabilities(
    logits: np.ndarray, starts: np.ndarray, ends: np.ndarray, strategy: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tag probabilities of every unit, and the energy of its first piece."""
    if strategy not in ("average", "max"):
        return _softmax(logits[starts] if len(starts) < len(logits) else logits)
    probabilities, energy = _softmax(logits)
    if strategy == "average":
        sums = np.add.reduceat(probabilities, starts, axis=0)
        return sums / (ends - starts)[:, None], energy[starts]
    best = probabilities.max(axis=-1)
    is_best = best == np.repeat(np.maximum.reduceat(best, starts), ends - starts)
    # For each word, the first of its best pieces: the first mark at or after the start of the word.
    marks = np.flatnonzero(is_best)
    return probabilities[marks[np.searchsorted(marks, starts)]], energy[starts]


def _mix_in_later_pieces(
    probabilities: np.ndarray,
    logits: np.ndarray,
    starts: np.ndarray,
    begins: np.ndarray,
    token: np.ndarray,
    type_of_tag: np.ndarray,
) -> None:
    """Mix the type probabilities of a word's later pieces into the tag probabilities of its first piece."""
    unit = np.cumsum(begins) - 1
    later = token == token[starts][unit]
    later[starts] = False
    places = later.nonzero()[0]
    if not len(places):
        return
    of_unit = unit[places]
    firsts = run_starts(of_unit)
    counts = run_ends(firsts, len(of_unit)) - firsts
    units = of_unit[firsts]
    column = type_of_tag + 1  # O, then the types
    kinds = np.arange(column.max() + 1) == column[:, None]
    masses = np.add.reduceat(softmax(logits[places]) @ kinds, firsts, axis=0)
    first = probabilities[units]
    share = first / np.maximum((first @ kinds)[:, column], 1e-12)
    later_share = share * (masses / counts[:, None])[:, column]
    probabilities[units] = (1 - _LATER_PIECES) * first + _LATER_PIECES * later_share
