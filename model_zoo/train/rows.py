"""Words as rows of word pieces: encoded once each, with casing ids, padded to batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ner_core.casing import word_casing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokenizers import Tokenizer

#: Piece ids, token type ids, label sets.
Row = tuple[list[int], list[int], list[int]]


class WordEncoder:
    """Word -> pieces and casing ids; words are encoded once and remembered.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        BERT style: splits at punctuation, adds one token before and one after.
    casing : bool
        Fill ``token_type_ids`` with the casing of each basic token; otherwise they are zero.
    """

    def __init__(self, tokenizer: Tokenizer, *, casing: bool) -> None:
        self.tokenizer = tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.casing = casing
        self.first, self.last = tokenizer.encode("").ids
        self.unknown: int = tokenizer.token_to_id("[UNK]") or 0
        self._known: dict[str, tuple[list[int], list[int]]] = {}

    def __call__(self, word: str) -> tuple[list[int], list[int]]:
        """Encode one word.

        Parameters
        ----------
        word : str

        Returns
        -------
        (list of int, list of int)
            Piece ids (at least one) and their token type ids.
        """
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._encode(word)
        return known

    def _encode(self, word: str) -> tuple[list[int], list[int]]:
        encoding = self.tokenizer.encode(word, add_special_tokens=False)
        if not encoding.ids:
            return [self.unknown], [0]
        if not self.casing:
            return encoding.ids, [0] * len(encoding.ids)
        borders: dict[int | None, tuple[int, int]] = {}
        for number, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
            low, high = borders.get(number, (start, end))
            borders[number] = min(low, start), max(high, end)
        ids = {number: word_casing(word[start:end]) for number, (start, end) in borders.items()}
        return encoding.ids, [ids[number] for number in encoding.word_ids]


def _title(word: str) -> str:
    return word[:1].upper() + word[1:] if len(word) > 3 else word


#: How a training unit may be shown besides as it is.
CASINGS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "title": _title}


def encode_row(words: Sequence[str], sets: Sequence[int], encoder: WordEncoder, max_length: int) -> Row:
    """Encode words; the first piece of each carries its label set.

    Parameters
    ----------
    words : sequence of str
    sets : sequence of int
        One label set a word.
    encoder : WordEncoder
    max_length : int
        Pieces, the added tokens included; words that do not fit whole are left out.

    Returns
    -------
    (list of int, list of int, list of int)
        Piece ids, token type ids, label sets.
    """
    ids, types, labels = [encoder.first], [0], [0]
    for word, one in zip(words, sets, strict=True):
        pieces, casing = encoder(word)
        if len(ids) + len(pieces) >= max_length:
            break
        ids += pieces
        types += casing
        labels += [one] + [0] * (len(pieces) - 1)
    return [*ids, encoder.last], [*types, 0], [*labels, 0]


def stack_rows(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Pad rows to one length.

    Parameters
    ----------
    rows : sequence of (list of int, list of int, list of int)

    Returns
    -------
    dict of str to int64 array [rows, pieces]
    """
    width = max(len(row[0]) for row in rows)
    names = ("input_ids", "token_type_ids", "label_sets", "attention_mask")
    arrays = {name: np.zeros((len(rows), width), dtype=np.int64) for name in names}
    for number, row in enumerate(rows):
        size = len(row[0])
        for name, values in zip(names, (*row, [1] * size), strict=True):
            arrays[name][number, :size] = values
    return arrays
