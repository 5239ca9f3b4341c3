"""Tag sequences: allowed transitions, and the most likely sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ner_core.labels import parse_tags, tag_scheme

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OUTSIDE", "TagSet"]

#: Type of tags outside of entities.
OUTSIDE = -1

_START = -1

# Cost of a forbidden transition in log-odds, and the probability above which a word is surely outside.
_BREACH = 3.0
_SURELY = 0.99


class TagSet:
    """The labels of a model, interpreted by a tag scheme.

    Parameters
    ----------
    tags : sequence of str
        Labels in id order.
    scheme : str, optional
        Tag scheme; found from the labels when not given.

    Attributes
    ----------
    types : list of str
        Entity types in order of first appearance.
    type : ndarray of int, shape (labels,)
        Type of each tag, `OUTSIDE` for none.
    opens, follows : ndarray of bool, shape (labels,)
        Whether an entity is still open after the tag (B, I), and whether the tag can continue one (I, E).
    """

    def __init__(self, tags: Sequence[str], scheme: str | None = None) -> None:
        parsed = parse_tags(tags, scheme)
        self.types = list(dict.fromkeys(kind for prefix, kind in parsed if prefix != "O"))
        self.type = np.array([OUTSIDE if p == "O" else self.types.index(kind) for p, kind in parsed])
        self.opens = np.array([prefix in "BI" for prefix, _ in parsed])
        self.follows = np.array([prefix in "IE" for prefix, _ in parsed])
        of_type = self.type[:, None] == np.arange(len(self.types))
        self._continues = (of_type & self.follows[:, None]).astype(np.float32)
        # From tag to tag; the last row is the start.
        self._may_follow = np.ones((len(parsed) + 1, len(parsed)), bool)
        if (scheme or tag_scheme(tags)) in ("IOB2", "BIOES"):
            goes_on = self.opens[:, None] & (self.type[:, None] == self.type)
            self._may_follow[:-1] = ~self.follows | goes_on
            self._may_follow[-1] = ~self.follows
        self._anything_goes = bool(self._may_follow.all())

    def going_on(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the probability that units continue an entity of each type, shape (units, types)."""
        return probabilities @ self._continues

    def likely(self, probabilities: np.ndarray, apart: np.ndarray) -> np.ndarray:
        """Find the most likely tag sequence, where a forbidden transition costs `_BREACH`.

        Where the most likely tag of each word makes a valid sequence, that is the answer. Elsewhere, the
        Viterbi algorithm runs over the words around the breach, up to words that are surely outside. The
        cost is finite because some models use another scheme than their labels suggest.

        Parameters
        ----------
        probabilities : ndarray of float, shape (words, labels)
            Tag probabilities.
        apart : ndarray of bool, shape (words,)
            Whether a text or segment begins here.

        Returns
        -------
        ndarray of int, shape (words,)
        """
        tags = probabilities.argmax(axis=-1)
        if self._anything_goes:
            return tags
        follows = np.empty(len(tags), bool)
        follows[1:] = self._may_follow[tags[:-1], tags[1:]]
        follows[apart] = self._may_follow[_START, tags[apart]]
        if follows.all():
            return tags
        outside = (self.type[tags] == OUTSIDE) & (probabilities.max(axis=-1) > _SURELY)
        borders = np.flatnonzero(outside | apart)
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
        """Find the most likely tags of a run of words that continues no entity before it."""
        scores = np.log(np.maximum(probabilities, 1e-12))
        transition = np.where(self._may_follow, 0.0, -_BREACH)
        best = scores[0] + transition[_START]
        came_from = np.zeros(scores.shape, np.int64)
        for index in range(1, len(scores)):
            paths = best[:, None] + transition[:-1]
            came_from[index] = paths.argmax(axis=0)
            best = paths.max(axis=0) + scores[index]
        path = [int(best.argmax())]
        for index in range(len(scores) - 1, 0, -1):
            path.append(int(came_from[index, path[-1]]))
        return np.array(path[::-1])
