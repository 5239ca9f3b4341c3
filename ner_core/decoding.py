"""Logits to entities, with the strategies of transformers' token-classification pipeline, exact to the slice.

Pieces are handled by numpy; Python only loops over the entities that were found.

Differences to transformers, each for a reason
----------------------------------------------
- Words are the tokenizer's own, not guessed from the lengths of pieces: the guess takes a word whose accent
  was stripped for the continuation of the word before.
- BIOES and BILOU: transformers takes ``B-PER``, ``E-PER`` and ``S-PER`` for three types and tears entities
  apart.
- A combining mark, a joiner or a variation selector that the tokenizer dropped stays with its letter.
- Entities never begin or end with white space (byte-level tokenizers count the space before a word).

The pipeline:
https://github.com/huggingface/transformers/blob/main/src/transformers/pipelines/token_classification.py
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from ner_core.aggregation import checked_aggregation
from ner_core.entity import Entity
from ner_core.labels import normalize_label, parse_tags

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["Decoder", "softmax"]

_OUTSIDE = -1
_ZERO_WIDTH_JOINER = "\u200d"


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities along the last axis, in a way that cannot overflow.

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
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class Decoder:
    """Decode for one label set.

    Parameters
    ----------
    tags : sequence of str
        Labels of the model in id order.
    scheme : str, optional
        Tag scheme; found from the labels when not given.
    """

    def __init__(self, tags: Sequence[str], scheme: str | None = None) -> None:
        self.tags = tuple(tags)
        parsed = parse_tags(tags, scheme)
        self.types = list(dict.fromkeys(kind for prefix, kind in parsed if prefix != "O"))
        self._type = np.array([_OUTSIDE if p == "O" else self.types.index(kind) for p, kind in parsed])
        # A unit goes on with the entity before it when that is still open (B, I) and this one may follow (I,
        # E).
        self._opens = np.array([prefix in "BI" for prefix, _ in parsed])
        self._follows = np.array([prefix in "IE" for prefix, _ in parsed])

    def decode(
        self,
        text: str,
        logits: np.ndarray,
        offsets: np.ndarray,
        word: np.ndarray,
        segment: np.ndarray | None = None,
        *,
        strategy: str = "first",
        threshold: float = 0.0,
        labels: Collection[str] | None = None,
        split: bool = False,
    ) -> tuple[Entity, ...]:
        """Find the entities of one text.

        Parameters
        ----------
        text : str
            The text.
        logits : ndarray of float32, shape (pieces, labels)
            Output of the model without special tokens.
        offsets : ndarray of int, shape (pieces, 2)
            Character offsets of the pieces.
        word : ndarray of int, shape (pieces,)
            Word of each piece, never falling.
        segment : ndarray of int, shape (pieces,), optional
            Segment of each piece; no entity reaches from one into another.
        strategy : str
            ``none``: every piece whose tag is not ``O``, under its raw tag. ``simple``: neighbouring pieces
            of one type. ``first``, ``average``, ``max``: the same over words, which take the tag of their
            first piece, of the mean of their probabilities, or of their surest piece. ``word``: ``first``
            over words as people write them, see `ner_core.words`; not in transformers.
        threshold : float
            Entities with a lower score are left out.
        labels : collection of str, optional
            Entity types to keep; all when not given.
        split : bool
            Whether `word` counts words that the user gave; entities then say which.

        Returns
        -------
        tuple of Entity
            Sorted, not overlapping, each an exact slice of the text. The score is the mean over the units.
        """
        if not len(word):
            return ()
        starts, ends, probabilities = _units(logits, word, strategy)
        tags = probabilities.argmax(axis=-1)
        types = self._type[tags]
        if (types == _OUTSIDE).all():
            return ()
        begins = np.ones(len(tags), bool)
        if strategy != "none":
            same = types[1:] == types[:-1]
            begins[1:] = ~(same & self._opens[tags[:-1]] & self._follows[tags[1:]])
            if segment is not None:
                begins[1:] |= segment[starts[1:]] != segment[starts[:-1]]
        first = np.flatnonzero(begins)
        counts = np.diff(first, append=len(tags))
        scores = np.add.reduceat(probabilities.max(axis=-1), first, dtype=np.float64) / counts
        kept = (types[first] != _OUTSIDE) & (scores >= threshold)
        if labels is not None:
            kept &= np.isin(types[first], self._wanted(labels))
        first, counts, scores = first[kept], counts[kept], scores[kept]
        piece_start, piece_end = starts[first], ends[first + counts - 1] - 1
        names = self.tags if strategy == "none" else self.types
        name_ids = tags[first] if strategy == "none" else types[first]
        entities: list[Entity] = []
        floor = 0
        for a, b, name, score, word_start, word_end in zip(
            offsets[piece_start, 0].tolist(),
            offsets[piece_end, 1].tolist(),
            name_ids.tolist(),
            scores.tolist(),
            word[piece_start].tolist(),
            word[piece_end].tolist(),
            strict=True,
        ):
            start, end = _snap(text, a, b, floor)
            if start >= end:
                continue
            numbers = (word_start, word_end + 1) if split else (None, None)
            entities.append(Entity(start, end, names[name], min(score, 1.0), text[start:end], *numbers))
            floor = end
        return tuple(entities)

    def _wanted(self, labels: Collection[str]) -> list[int]:
        names = {normalize_label(label) for label in labels}
        return [index for index, kind in enumerate(self.types) if normalize_label(kind) in names]


def _units(logits: np.ndarray, word: np.ndarray, strategy: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give first piece, last piece (exclusive) and probabilities of every unit, a piece or a word."""
    if strategy in ("none", "simple"):
        starts = np.arange(len(word))
        return starts, starts + 1, softmax(logits)
    starts = np.flatnonzero(np.diff(word, prepend=-1))
    ends = np.append(starts[1:], len(word))
    if strategy in ("first", "word", "whitespace"):
        return starts, ends, softmax(logits[starts])
    probabilities = softmax(logits)
    if strategy == "average":
        sums = np.add.reduceat(probabilities, starts, axis=0)
        return starts, ends, sums / (ends - starts)[:, None]
    checked_aggregation(strategy)
    best = probabilities.max(axis=-1)
    is_best = best == np.repeat(np.maximum.reduceat(best, starts), ends - starts)
    # The first of the best pieces of each word: mark them, and take the first mark at or after the word's
    # start.
    marks = np.flatnonzero(is_best)
    return starts, ends, probabilities[marks[np.searchsorted(marks, starts)]]


def _snap(text: str, start: int, end: int, floor: int) -> tuple[int, int]:
    """Make a slice begin after the last one, keep marks with their letters, drop white space around it."""
    start, end = max(start, floor), min(end, len(text))
    while floor < start < end and _is_mark(text[start]) and not text[start - 1].isspace():
        start -= 1
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end < len(text) and _is_mark(text[end]):
        end += 1
    return start, end


def _is_mark(character: str) -> bool:
    """Say whether a character belongs to the one before it: a mark, a joiner, a part of a Hangul syllable."""
    if character < "\u0300":
        return False
    return (
        unicodedata.category(character)[0] == "M"
        or character == _ZERO_WIDTH_JOINER
        or "\u1160" <= character <= "\u11ff"
    )
