"""Sentences as rows of word pieces, encoded as the recognizer encodes them, and padded to batches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ner_core.batching import stack
from ner_core.words import run_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ner_core.batching import Batch
    from ner_core.tokenizer import Encoding, Tokenizer


@dataclass(frozen=True)
class Row:
    """The pieces of one unit, special tokens included.

    Attributes
    ----------
    ids, types : ndarray of int64, shape (pieces,)
        Vocabulary ids; token type ids.
    words : ndarray of int64, shape (pieces,)
        Index of the word that begins at a piece; -1 for all other pieces.
    sets : ndarray of int, shape (pieces,)
        Label set of that word, of any number of labels; 0 for all other pieces. In text without spaces, the
        other pieces of a word continue its label, because the recognizer labels each piece there.
    """

    ids: np.ndarray
    types: np.ndarray
    words: np.ndarray
    sets: np.ndarray


@dataclass(frozen=True)
class SentenceEncoder:
    """Encodes sentences as inference does: the joined words, whose pieces are assigned by their offsets.

    Attributes
    ----------
    tokenizer : Tokenizer
        The recognizer's.
    max_length : int
        Most pieces in a row, special tokens included.
    has_types : bool
        Whether the model takes token type ids.
    """

    tokenizer: Tokenizer
    max_length: int
    has_types: bool = True

    @property
    def room(self) -> int:
        """Pieces of text that fit into a row."""
        return self.max_length - self.tokenizer.special_count

    def encode(self, sentences: Sequence[Sequence[str]]) -> list[Encoding]:
        """Encode sentences of words, without special tokens and of any length."""
        return self.tokenizer.encode_all(sentences, folded=True)

    def rows(
        self,
        sentences: Sequence[Sequence[str]],
        sets: Sequence[Sequence[int]],
        unspaced: Sequence[bool] | None = None,
    ) -> list[Row]:
        """Encode sentences with their label sets; words that do not fit whole are left out.

        `unspaced` marks those that are shown without spaces between words.
        """
        encodings = self.encode(sentences)
        without = list(unspaced or [False] * len(sentences))
        for number, one in enumerate(without):
            if one:
                encodings[number] = self._unspaced(sentences[number])
        return [self._row(*one) for one in zip(encodings, sets, without, strict=True)]

    def _unspaced(self, words: Sequence[str]) -> Encoding:
        """Encode words without spaces between them; a piece belongs to the word that it begins in."""
        encoding = self.tokenizer.encode_texts(["".join(words)], folded=True)[0]
        lengths = np.array([len(word) for word in words], np.int64)
        starts = np.cumsum(lengths) - lengths
        word = np.maximum(np.searchsorted(starts, encoding.offsets[:, 0], side="right") - 1, 0)
        return replace(encoding, word=word.astype(np.int32), words=tuple(words))

    def _row(self, encoding: Encoding, sets: Sequence[int], every_piece: bool) -> Row:
        count = len(encoding)
        if count > self.room:
            start = int(np.searchsorted(encoding.word, encoding.word[self.room]))
            count = start or self.room  # a first word that is longer than a row is cut
        before, after = len(self.tokenizer.prefix), len(self.tokenizer.suffix)
        ids = np.array([*self.tokenizer.prefix, *encoding.ids[:count], *self.tokenizer.suffix], np.int64)
        types, words, labels = np.zeros_like(ids), np.full_like(ids, -1), np.zeros(len(ids), object)
        inside = slice(before, len(ids) - after)
        types[inside] = encoding.type_ids[:count]
        word = encoding.word[:count]
        first = run_starts(word)
        words[before + first] = word[first]
        if len(sets):
            of_words = np.array(sets, object)
            if every_piece:
                labels[before : before + count] = _continued(of_words)[word]
            labels[before + first] = of_words[word[first]]
        return Row(ids, types, words, labels)

    def stack(self, rows: Sequence[Row], label_count: int) -> dict[str, np.ndarray]:
        """Pad rows to one length.

        Returns
        -------
        dict of str to array
            The inputs of the model, int64 [rows, pieces], and ``label_sets``, bool [rows, pieces, labels].
        """
        batch = stack(
            [(row.ids, row.types) for row in rows], prefix=(), suffix=(), pad_id=self.tokenizer.pad_id
        )
        sets = np.zeros((*batch.input_ids.shape, label_count), bool)
        bits = np.arange(label_count).astype(object)
        for number, row in enumerate(rows):
            sets[number, : len(row.sets)] = row.sets[:, None] >> bits & 1
        return {**self.inputs(batch), "label_sets": sets}

    def inputs(self, batch: Batch) -> dict[str, np.ndarray]:
        """Name a batch's arrays as the model takes them; token types only where it has them."""
        return {
            name: array for name, array in batch.inputs.items() if self.has_types or name != "token_type_ids"
        }


def _continued(sets: np.ndarray) -> np.ndarray:
    """Return the label sets of later pieces of words: each ``B-`` label becomes the ``I-`` label after it."""
    odd = int("10" * (max(sets).bit_length() // 2 + 1), 2)  # labels are O, B-, I-, B-, I- …
    beginnings = sets & odd
    return (sets ^ beginnings) | beginnings << 1


def _title(word: str) -> str:
    return word[:1].upper() + word[1:] if len(word) > 3 else word


#: Casings that a training unit may be shown in.
CASINGS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "title": _title}
