"""Text to word pieces, with character offsets in the original text.

The work is done by Hugging Face's ``tokenizers`` (Rust), from a ``tokenizer.json`` of any model family or
from a bare ``vocab.txt`` of BERT. This module adds what it lacks: texts of any length in bounded memory, lone
surrogates, one numbering of words over the whole text, and the casing ids of models that take them.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate, chain, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ner_core.casing import WORD_CASING, word_casing
from ner_core.characters import fold, shown
from ner_core.conversions import conversions as named_conversions
from ner_core.segments import spaced
from ner_core.tokenizer_files import (
    no_panics,
    parse_tokenizer,
    read_json_object,
    read_text,
    read_wordpiece,
)
from ner_core.words import first_characters, run_ends, run_starts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import tokenizers

__all__ = ["Encoding", "Tokenizer"]

logger = logging.getLogger(__name__)

# Longer texts are encoded in parts, cut at white space: the Rust library needs some 300 bytes per piece, and
# it encodes the parts of a text in parallel.
_PART = 20_000
# A part without white space may grow to this length before it is cut inside a word.
_LONGEST_PART = 5 * _PART

_SURROGATES = re.compile("[\ud800-\udfff]")
_CASING = lru_cache(maxsize=65536)(word_casing)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The word pieces of one text, without special tokens.

    Attributes
    ----------
    text : str
        The original text, or the words joined by single spaces.
    ids : ndarray of int32, shape (pieces,)
        Vocabulary ids.
    offsets : ndarray of int32, shape (pieces, 2)
        Start and end (exclusive) of each piece, in characters of `text`.
    word : ndarray of int32, shape (pieces,)
        Index of the word that each piece belongs to, non-decreasing: of the given words if there are any,
        else of the pre-tokenizer's.
    type_ids : ndarray of int32, shape (pieces,)
        Token type ids.
    words : tuple of str or None
        The given words.
    segment : ndarray of int32, shape (pieces,), or None
        Segment of each piece, non-decreasing; None if there is only one. See `ner_core.segments`.
    cells : ndarray of int32, shape (pieces, 2), or None
        Column of each piece, -1 for none, and 1 in the first row of a table; None if there are no tables,
        lists or forms. See `ner_core.cells`.
    """

    text: str
    ids: np.ndarray
    offsets: np.ndarray
    word: np.ndarray
    type_ids: np.ndarray
    words: tuple[str, ...] | None = None
    segment: np.ndarray | None = None
    cells: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)


class Tokenizer:
    """Encode texts or words; created by `from_file`.

    Attributes
    ----------
    prefix, suffix : tuple of int
        Ids of the special tokens before and after every window, such as ``[CLS]`` and ``[SEP]``.
    pad_id, unknown_id : int or None
        Ids of the padding and of unknown pieces.
    marks_words : bool
        Whether pieces that continue a word are marked, like WordPiece's ``##s``.
    notes : tuple of str
        Settings that were inferred, for the user.
    """

    def __init__(
        self,
        backend: tokenizers.Tokenizer,
        *,
        token_type_ids: str = "segments",  # noqa: S107
        conversions: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        backend.no_truncation()
        backend.no_padding()
        self.prefix, self.suffix = _template(backend)
        self.pad_id = _first_id(backend, ("[PAD]", "<pad>", "<|pad|>")) or 0
        self.unknown_id = _first_id(backend, ("[UNK]", "<unk>"))
        self.marks_words = bool(getattr(backend.model, "continuing_subword_prefix", None))
        # "[SEP]" in a text is five characters that somebody typed, not the end of a segment.
        backend.encode_special_tokens = True
        self.notes = tuple(notes)
        self._backend = backend
        self._folds = not _folds_itself(backend)
        self._casing = token_type_ids == WORD_CASING
        self._conversions = named_conversions(conversions)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        lower_case: bool | None = None,
        token_type_ids: str = "segments",  # noqa: S107
        conversions: str = "",
    ) -> Tokenizer:
        """Load a ``tokenizer.json``, a ``vocab.txt``, or a folder that holds one of them.

        Parameters
        ----------
        path : str or Path
            File or folder. A file whose name ends with ``.json`` is read as a tokenizer.json, any other as a
            BERT vocabulary, one piece a line.
        lower_case : bool, optional
            Whether the model was trained on lower-cased text. When not given, the tokenizer_config.json
            beside a vocab.txt decides; without one, a vocabulary without capital letters counts as uncased.
            For a tokenizer.json it overrides the setting of BERT's normalizer.
        token_type_ids : str
            ``"segments"`` (all zero) or ``"word_casing"`` (see `ner_core.casing`).
        conversions : str
            Names of the conversions of texts before they are encoded (see `ner_core.conversions`).

        Returns
        -------
        Tokenizer

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is not a tokenizer or lacks the special tokens.
        """
        path = _locate(Path(path))
        if path.suffix == ".json":
            backend = parse_tokenizer(read_text(path), str(path), lower_case)
            return cls(backend, token_type_ids=token_type_ids, conversions=conversions)
        backend = read_wordpiece(path, lower_case)
        notes = []
        settings = read_json_object(path.with_name("tokenizer_config.json"))
        if lower_case is None and not isinstance(settings.get("do_lower_case"), bool):
            found = bool(backend.normalizer.lowercase)
            words = "no piece has a capital" if found else "it has pieces with capitals"
            notes.append(f"lower_case={found} was inferred from {path.name}: {words}.")
            logger.info(notes[0])
        return cls(backend, token_type_ids=token_type_ids, conversions=conversions, notes=notes)

    @property
    def backend(self) -> tokenizers.Tokenizer:
        """The underlying tokenizer of the ``tokenizers`` library."""
        return self._backend

    @cached_property
    def comma(self) -> Encoding:
        """The pieces of a comma between two words."""
        around = self.encode_texts(["a, a"])[0]
        inner = slice(1, -1)
        ids, offsets, word, type_ids = around.ids, around.offsets - 1, around.word, around.type_ids
        return Encoding(",", ids[inner], offsets[inner], word[inner], type_ids[inner])

    @property
    def special_count(self) -> int:
        """Number of special tokens around every window."""
        return len(self.prefix) + len(self.suffix)

    def encode_texts(self, texts: Sequence[str], *, folded: bool = False) -> list[Encoding]:
        """Encode texts, without special tokens and without truncation.

        Parameters
        ----------
        texts : sequence of str
            Any strings, of any length.
        folded : bool
            Whether to replace characters by their plain forms, see `ner_core.characters`, and separators of
            cells by spaces, see `ner_core.segments.spaced`, where the tokenizer needs it.

        Returns
        -------
        list of Encoding
            In the same order.
        """
        parts: list[str] = []
        cuts: list[list[int]] = []
        views: list[tuple[str, np.ndarray | None]] = []
        for text in texts:
            clean = text if text.isascii() else _SURROGATES.sub("\ufffd", text)
            for convert in self._conversions:
                clean = convert(clean)
            if folded and not self.marks_words:
                clean = spaced(clean)
            seen, origin = (fold if self._folds else shown)(clean) if folded else (clean, None)
            views.append((seen, origin))
            cuts.append(_cuts(seen))
            parts.extend(seen[a:b] for a, b in pairwise([*cuts[-1], len(seen)]))
        with no_panics("This tokenizer"):
            encoded = self._backend.encode_batch(parts, add_special_tokens=False)
        return list(self._assembled(texts, views, cuts, encoded))

    def encode_all(self, items: Sequence[str | Sequence[str]], *, folded: bool = False) -> list[Encoding]:
        """Encode texts and lists of words, which may be mixed.

        Parameters
        ----------
        items : sequence of str or of sequence of str
            A string is a text; anything else a sequence of words, whose indices are then in `Encoding.word`;
            an empty word has no pieces.
        folded : bool
            As for texts.

        Returns
        -------
        list of Encoding
            In the same order.
        """
        texts = [item if isinstance(item, str) else " ".join(item) for item in items]
        encodings = self.encode_texts(texts, folded=folded)
        for index, item in enumerate(items):
            if not isinstance(item, str):
                encodings[index] = _number_by_words(encodings[index], tuple(item))
        return encodings

    def _assembled(
        self,
        texts: Sequence[str],
        views: Sequence[tuple[str, np.ndarray | None]],
        cuts: Sequence[Sequence[int]],
        parts: Sequence[Any],
    ) -> Iterator[Encoding]:
        """Join the encodings of the parts of each text, with offsets in the original texts.

        numpy is called once for all texts: for one sentence, a call takes longer than its work.
        """
        lengths = [len(part) for part in parts]
        count = sum(lengths)
        ids = np.fromiter(chain.from_iterable(part.ids for part in parts), np.int32, count)
        word = np.fromiter(chain.from_iterable(part.word_ids for part in parts), np.int32, count)
        pairs = chain.from_iterable(part.offsets for part in parts)
        offsets = np.fromiter(chain.from_iterable(pairs), np.int32, 2 * count).reshape(-1, 2)
        if len(parts) > len(texts):
            offsets += np.repeat(np.fromiter(chain.from_iterable(cuts), np.int32), lengths)[:, None]
            word += np.repeat(_earlier_words(word, lengths, cuts), lengths)
        of_parts = iter(lengths)
        sizes = [sum(islice(of_parts, len(starts))) for starts in cuts]
        if self._casing:
            type_ids = _casing_ids([seen for seen, _ in views], offsets, word, np.array(sizes))
        else:
            type_ids = np.zeros_like(ids)
        for text, (_, origin), size, end in zip(texts, views, sizes, accumulate(sizes), strict=True):
            own = slice(end - size, end)
            shown = offsets[own] if origin is None else _original(offsets[own], origin)
            yield Encoding(text, ids[own], shown, word[own], type_ids[own])


def _cuts(text: str) -> list[int]:
    """Find where the parts of a long text begin: before white space, so that no word is cut."""
    cuts = [0]
    while len(text) - cuts[-1] > _PART:
        start = cuts[-1]
        cut = _white_space(text.rfind, start + _PART // 2, start + _PART)
        if cut < 0:
            cut = _white_space(text.find, start + _PART, start + _LONGEST_PART)
        if cut < 0:
            cut = start + _LONGEST_PART
            if cut >= len(text):
                break
        cuts.append(cut)
    return cuts


def _white_space(find: Any, start: int, end: int) -> int:
    """Find a space or else a line feed with `str.find` or `str.rfind`; -1 if there is none.

    A space first, because sentencepiece puts its own space before a part that does not begin with one.
    """
    found = find(" ", start, end)
    return int(found if found >= 0 else find("\n", start, end))


def _earlier_words(word: np.ndarray, lengths: Sequence[int], cuts: Sequence[Sequence[int]]) -> list[int]:
    """Return for every part of a text the number of words in the earlier parts of the same text."""
    earlier = []
    parts, end = iter(lengths), 0
    for starts in cuts:
        words = 0
        for length in islice(parts, len(starts)):
            end += length
            earlier.append(words)
            words += int(word[end - 1]) + 1 if length else 0
    return earlier


def _original(offsets: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Turn offsets in a folded text into those in the original text."""
    starts, ends = offsets.T
    last = origin[np.maximum(ends, 1) - 1] + 1
    first = origin[starts]
    return np.stack([first, np.where(ends > starts, last, first)], 1).astype(np.int32)


def _casing_ids(texts: Sequence[str], offsets: np.ndarray, word: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the casing of each piece's basic token, for texts with so many pieces."""
    if not len(word):
        return np.zeros(0, np.int32)
    lengths = np.array([len(text) for text in texts])
    places = offsets + np.repeat(np.cumsum(lengths) - lengths, sizes)[:, None]
    first = run_starts(word, (np.cumsum(sizes) - sizes)[sizes > 0])
    after = run_ends(first, len(word))
    text = "".join(texts)
    spans = zip(places[first, 0].tolist(), places[after - 1, 1].tolist(), strict=True)
    casing = np.array([_CASING(text[start:end]) for start, end in spans], np.int32)
    return np.repeat(casing, after - first)


def _number_by_words(encoding: Encoding, words: tuple[str, ...]) -> Encoding:
    """Replace the pre-tokenizer's word numbers by those of the given words."""
    lengths = np.array([len(word) + 1 for word in words], np.int64)
    starts = np.cumsum(lengths) - lengths
    first = first_characters(encoding.text, encoding.offsets)
    word = np.maximum(np.searchsorted(starts, first, side="right") - 1, 0)
    return replace(encoding, word=word.astype(np.int32), words=words)


def _folds_itself(backend: tokenizers.Tokenizer) -> bool:
    """Return whether the normalizer of a tokenizer maps compatibility forms, as those of sentencepiece do."""
    if backend.normalizer is None:
        return False
    state = backend.normalizer.__getstate__().decode("utf-8")
    return any(f'"type":"{kind}"' in state for kind in ("Precompiled", "NFKC", "NFKD"))


def _locate(path: Path) -> Path:
    """Resolve a folder to the tokenizer file in it."""
    if path.is_dir():
        for name in ("tokenizer.json", "vocab.txt"):
            if (path / name).is_file():
                return path / name
        msg = f"{path}: no tokenizer.json and no vocab.txt in this folder."
        raise FileNotFoundError(msg)
    if not path.is_file():
        msg = f"{path}: no such tokenizer file. Pass the path of a tokenizer.json or vocab.txt."
        raise FileNotFoundError(msg)
    return path


def _template(backend: tokenizers.Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the ids of the special tokens that the post-processor puts before and after a text."""
    sample = backend.encode("a", add_special_tokens=True)
    plain = [index for index, special in enumerate(sample.special_tokens_mask) if not special]
    if plain and len(plain) < len(sample.ids):
        return tuple(sample.ids[: plain[0]]), tuple(sample.ids[plain[-1] + 1 :])
    before, after = _first_id(backend, ("[CLS]",)), _first_id(backend, ("[SEP]",))
    if before is None or after is None:  # only BERT needs them; decoder models work without
        return (), ()
    return (before,), (after,)


def _first_id(backend: tokenizers.Tokenizer, pieces: Sequence[str]) -> int | None:
    found = (backend.token_to_id(piece) for piece in pieces)
    return next((index for index in found if index is not None), None)
