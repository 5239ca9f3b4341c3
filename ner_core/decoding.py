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

import re
from typing import TYPE_CHECKING

import numpy as np

from ner_core.aggregation import AS_WRITTEN, checked_aggregation
from ner_core.calibration import span_probability
from ner_core.edges import is_inverted_name, is_mark, name_span
from ner_core.entity import Entity
from ner_core.labels import normalize_label, parse_tags, tag_scheme

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ner_core.calibration import Calibration

__all__ = ["Decoder", "softmax"]

_OUTSIDE = -1
_START = -1

# Viterbi: log of the odds that a tag which may not follow is wrong, and the probability from which a word is
# surely outside.
_BREACH = 3.0
_SURELY = 0.99

# Weight of the pieces after the first in what is said about the type of a word.
_LATER_PIECES = 0.3

_DIVIDER = re.compile("[;|\u2022]")


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
    calibration : Calibration, optional
        Makes probabilities of spans out of what the model says of their words.
    """

    def __init__(
        self, tags: Sequence[str], scheme: str | None = None, calibration: Calibration | None = None
    ) -> None:
        self.tags = tuple(tags)
        self._calibration = calibration
        parsed = parse_tags(tags, scheme)
        self.types = list(dict.fromkeys(kind for prefix, kind in parsed if prefix != "O"))
        self._type = np.array([_OUTSIDE if p == "O" else self.types.index(kind) for p, kind in parsed])
        # A unit goes on with the entity before it when that is still open (B, I) and this one may follow (I,
        # E).
        self._opens = np.array([prefix in "BI" for prefix, _ in parsed])
        self._follows = np.array([prefix in "IE" for prefix, _ in parsed])
        # From tag (and, last, from the start) to tag.
        self._may_follow = np.ones((len(parsed) + 1, len(parsed)), bool)
        if (scheme or tag_scheme(tags)) in ("IOB2", "BIOES"):
            goes_on = self._opens[:, None] & (self._type[:, None] == self._type)
            self._may_follow[:-1] = ~self._follows | goes_on
            self._may_follow[-1] = ~self._follows

    def decode(
        self,
        text: str,
        logits: np.ndarray,
        offsets: np.ndarray,
        word: np.ndarray,
        segment: np.ndarray | None = None,
        *,
        token: np.ndarray | None = None,
        strategy: str = "first",
        threshold: float = 0.0,
        labels: Collection[str] | None = None,
        split: bool = False,
        raw_scores: bool = False,
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
        token : ndarray of int, shape (pieces,), optional
            The tokenizer's word of each piece, for ``word`` and ``whitespace``: those of the same word as the
            first piece have a say in the type.
        strategy : str
            ``none``: every piece whose tag is not ``O``, under its raw tag. ``simple``: neighbouring pieces
            of one type. ``first``, ``average``, ``max``: the same over words, which take the tag of their
            first piece, of the mean of their probabilities, or of their surest piece. ``word`` and
            ``whitespace``: the first pieces of words as people write them or as white space divides them, the
            most likely sequence of tags that may follow each other, and names without the punctuation around
            them, see `ner_core.edges`; not in transformers.
        threshold : float
            Entities with a lower score are left out.
        labels : collection of str, optional
            Entity types to keep; all when not given.
        split : bool
            Whether `word` counts words that the user gave; entities then say which, and keep them whole.
        raw_scores : bool
            Whether the score is the mean over the words, as in transformers, for ``word`` and ``whitespace``
            too. Their own score is the probability that the whole span is right.

        Returns
        -------
        tuple of Entity
            Sorted, not overlapping, each an exact slice of the text.

        Raises
        ------
        ValueError
            If logits are NaN or infinite: that is no model's answer.
        """
        if not len(word):
            return ()
        if not np.isfinite(logits).all():
            msg = (
                "Logits are NaN or infinite, so they say nothing about the text: look at what computed them."
            )
            raise ValueError(msg)
        starts, ends, probabilities = _units(logits, word, strategy)
        apart = np.ones(len(starts), bool)
        apart[1:] = False if segment is None else segment[starts[1:]] != segment[starts[:-1]]
        tags = probabilities.argmax(axis=-1)
        as_written = strategy in AS_WRITTEN
        if as_written:
            if token is not None:
                probabilities = self._joined(probabilities, logits, starts, token)
                tags = probabilities.argmax(axis=-1)
            tags = self._likely_sequence(probabilities, tags, apart)
        types = self._type[tags]
        trimmed = as_written and not split
        if trimmed:
            dividers = _dividers(text, offsets[starts, 0])
            types[dividers] = _OUTSIDE
        if (types == _OUTSIDE).all():
            return ()
        begins = apart
        if strategy == "none":
            begins[:] = True
        else:
            same = types[1:] == types[:-1]
            begins[1:] |= ~(same & self._opens[tags[:-1]] & self._follows[tags[1:]])
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(tags)) - 1
        found = types[first] != _OUTSIDE
        if labels is not None:
            found &= np.isin(types[first], self._wanted(labels))
        names = self.tags if strategy == "none" else self.types
        name_ids = tags if strategy == "none" else types
        chosen = probabilities[np.arange(len(tags)), tags]
        entities: list[Entity] = []
        floor = 0
        for one, other in zip(first[found].tolist(), last[found].tolist(), strict=True):
            name = names[name_ids[one]]
            start, end = _snap(text, int(offsets[starts[one], 0]), int(offsets[ends[other] - 1, 1]), floor)
            if trimmed:
                start, end = name_span(text, start, end, name)
                while one < other and offsets[starts[other], 0] >= end:
                    other -= 1
                while one < other and offsets[ends[one] - 1, 1] <= start:
                    one += 1
            if start >= end:
                continue
            if raw_scores or not as_written:
                score = min(float(chosen[one : other + 1].mean(dtype=np.float64)), 1.0)
            else:
                words = slice(one, other + 1)
                lowest = logits[starts[words], tags[words]].min()
                score = span_probability(chosen[words], float(lowest), self._calibration)
            if score < threshold:
                continue
            if trimmed and entities and _is_person(name) and entities[-1].label == name:
                before = entities[-1]
                if is_inverted_name(text, (before.start, before.end), (start, end)):
                    entities.pop()
                    start, score = before.start, min(before.score, score)
            numbers = (int(word[starts[one]]), int(word[starts[other]]) + 1) if split else (None, None)
            entities.append(Entity(start, end, name, score, text[start:end], *numbers))
            floor = end
        return tuple(entities)

    def _joined(
        self, probabilities: np.ndarray, logits: np.ndarray, starts: np.ndarray, token: np.ndarray
    ) -> np.ndarray:
        """Mix what later pieces of a word say about its type with what the first piece says about its tag."""
        unit = np.zeros(len(token), np.int64)
        unit[starts] = 1
        unit = np.cumsum(unit) - 1
        later = token == token[starts][unit]
        later[starts] = False
        places = np.flatnonzero(later)
        if not len(places):
            return probabilities
        units, counts = np.unique(unit[places], return_counts=True)
        kinds = np.arange(len(self.types) + 1) == (self._type + 1)[:, None]  # O, then the types
        masses = np.add.reduceat(softmax(logits[places]) @ kinds, np.cumsum(counts) - counts, axis=0)
        first = probabilities[units]
        share = first / np.maximum((first @ kinds)[:, self._type + 1], 1e-12)
        mixed = probabilities.copy()
        said = share * (masses / counts[:, None])[:, self._type + 1]
        mixed[units] = (1 - _LATER_PIECES) * first + _LATER_PIECES * said
        return mixed

    def _likely_sequence(self, probabilities: np.ndarray, tags: np.ndarray, apart: np.ndarray) -> np.ndarray:
        """Find the most likely tags of words if a tag that may not follow costs `_BREACH`.

        Where the most likely tags of the words may follow each other, they are the answer. Elsewhere
        Viterbi's algorithm runs over the words around the breach, up to words that are surely outside. The
        price is finite: models of another scheme than their labels tell are sure of their breaches.
        """
        if self._may_follow.all():
            return tags
        follows = self._may_follow[np.append(_START, tags[:-1]), tags]
        follows[apart] = self._may_follow[_START, tags[apart]]
        if follows.all():
            return tags
        outside = (self._type[tags] == _OUTSIDE) & (probabilities.max(axis=-1) > _SURELY)
        borders = np.flatnonzero(outside | apart)
        tags = tags.copy()
        done = 0
        for breach in np.flatnonzero(~follows).tolist():
            if breach < done:
                continue
            before = int(np.searchsorted(borders, breach, side="right")) - 1
            start = int(borders[before]) if before >= 0 else 0
            end = int(borders[before + 1]) if before + 1 < len(borders) else len(tags)
            tags[start:end] = self._viterbi(probabilities[start:end])
            done = end
        return tags

    def _viterbi(self, probabilities: np.ndarray) -> np.ndarray:
        """Find the most likely tags of a stretch of words that begins an entity or is outside."""
        scores = np.log(np.maximum(probabilities, 1e-12))
        price = np.where(self._may_follow, 0.0, -_BREACH)
        best = scores[0] + price[_START]
        came_from = np.zeros(scores.shape, np.int64)
        for index in range(1, len(scores)):
            paths = best[:, None] + price[:-1]
            came_from[index] = paths.argmax(axis=0)
            best = paths.max(axis=0) + scores[index]
        path = [int(best.argmax())]
        for index in range(len(scores) - 1, 0, -1):
            path.append(int(came_from[index, path[-1]]))
        return np.array(path[::-1])

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
    while floor < start < end and is_mark(text[start]) and not text[start - 1].isspace():
        start -= 1
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end < len(text) and is_mark(text[end]):
        end += 1
    return start, end


def _is_person(label: str) -> bool:
    return normalize_label(label) == "PER"


def _dividers(text: str, starts: np.ndarray) -> np.ndarray:
    """Return the units that are marks between the items of a list: never part of a name."""
    if ";" not in text and "|" not in text and "\u2022" not in text:
        return np.zeros(0, np.int64)
    places = np.array([match.start() for match in _DIVIDER.finditer(text)], np.int64)
    return np.flatnonzero(np.isin(starts, places))
