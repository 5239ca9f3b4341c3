"""Rounds: texts that are encoded, cut into windows and grouped by length together.

Texts are encoded in small portions, so that the next round can be prepared between the batches of this one.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ner_core import batching, windows
from ner_core.layout import divide, segment_numbers
from ner_core.units import Pieces
from ner_core.words import space_numbers, whitespace_numbers, word_numbers_of_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_core.texts import Item
    from ner_core.tokenizer import Encoding, Tokenizer

__all__ = ["ROUND_CHARACTERS", "ROUND_TEXTS", "Group", "Preparation", "Round", "Row", "Run"]

# A stream looks this far ahead, to find texts of similar length; whichever comes first ends a round. News in
# rounds of 512 sentences is padded by 2.6 %, of 1024 by 1.2 %, of 4096 by 0.3 %.
ROUND_TEXTS = 1024
ROUND_CHARACTERS = 200_000

# Texts encoded between two batches: some two batches of sentences, 10 ms of Python.
_PORTION_TEXTS = 32
_PORTION_CHARACTERS = 3_000

# In small rounds, row lengths are rounded up to a multiple of this. OpenVINO compiles and caches kernels for
# every new input shape: with any length, windows of 128 allow 2,031 shapes, in steps of four 379. Rounding
# adds 6 % padding to sentences, so large rounds, which have few shapes for their work, do without. A single
# row has few shapes in steps of two as well, and runs 4 % faster.
_LENGTH_STEP = 4
_LENGTH_STEP_ALONE = 2
_FEW_PIECES = 12_000

#: Aggregations over the tokenizer's own words, as in transformers.
_WORDS_OF_PIECES = ("first", "average", "max")


@dataclass(slots=True)
class Run:
    """One text on its way through the model.

    Attributes
    ----------
    number : int
        Position of the text in the stream.
    encoding : Encoding
        Its pieces.
    words : ndarray of int, shape (pieces,)
        Word of each piece: the given word, the word as people write it (where the aggregation or the cutting
        of windows needs it), else the tokenizer's.
    windows : list of Window
        The windows that the text was cut into.
    logits : ndarray of float32, shape (pieces, labels)
        Output of the model, for each piece from the window where it has most context.
    together : ndarray of float32, shape (pieces, labels), or None
        The same for the pieces of cells beside the others of their column, zero for other pieces.
    tokenization, inference : float
        Milliseconds; the text's share of its portion and of its batches by pieces.
    missing : int
        Rows whose logits are still to come.
    """

    number: int
    encoding: Encoding
    words: np.ndarray
    windows: list[windows.Window]
    logits: np.ndarray
    together: np.ndarray | None = None
    tokenization: float = 0.0
    inference: float = 0.0
    missing: int = 0

    def pieces(self, aggregation: str, tokenizer: Tokenizer) -> Pieces:
        """Return the pieces with the words of an aggregation."""
        encoding = self.encoding
        text, offsets, word = encoding.text, encoding.offsets, encoding.word
        given = encoding.words is not None
        token = None
        if aggregation == "word":
            token, word = None if given else word, self.words
        elif aggregation == "whitespace" and not given:
            word = whitespace_numbers(text, offsets)
        elif aggregation in _WORDS_OF_PIECES and not given and not tokenizer.marks_words:
            word = space_numbers(text, offsets, encoding.ids == tokenizer.unknown_id)
        columns = encoding.cells, self.together
        return Pieces(text, self.logits, offsets, word, encoding.segment, token, given, *columns)


class Row(NamedTuple):
    """A row for the model, without special tokens, and where the logits of some of its pieces go."""

    run: Run
    ids: np.ndarray
    type_ids: np.ndarray
    kept: slice | np.ndarray
    pieces: slice | np.ndarray
    logits: np.ndarray


class Group(NamedTuple):
    """Rows that run together, and their length with special tokens and padding."""

    rows: list[Row]
    length: int


@dataclass(slots=True)
class Round:
    """Texts whose rows are sorted and batched together.

    Attributes
    ----------
    groups : list of Group
        At least one; it is empty if all texts are blank.
    blank : list of Run
        Texts without rows.
    done : int
        Groups that were run.
    following : int
        Known or expected number of groups in later rounds.
    """

    groups: list[Group]
    blank: list[Run]
    done: int = 0
    following: int = 0


class Preparation:
    """Prepare one stream of texts.

    Parameters
    ----------
    tokenizer : Tokenizer
        Splits texts into pieces.
    shape : callable
        Returns the fixed shape for rows of a length, or None; see `InferenceEngine.shape`.
    label_count : int
        Labels of the model.
    length : int
        Maximum pieces in a window, without special tokens.
    overlap : int
        Pieces that neighbouring windows share.
    count : int
        Number of texts, 0 if unknown.
    as_written : bool
        Whether to find segments and fold characters, see `Pipeline.run`.
    look : callable
        Called before each step; may raise an exception to end the work.

    Attributes
    ----------
    seconds : float
        Time spent so far.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        shape: Callable[[int], tuple[int, int] | None],
        *,
        label_count: int,
        length: int,
        overlap: int,
        count: int,
        as_written: bool,
        look: Callable[[], None],
    ) -> None:
        self.seconds = 0.0
        self._tokenizer = tokenizer
        self._shape = shape
        self._label_count = label_count
        self._length = length
        self._overlap = overlap
        self._count = count
        self._as_written = as_written
        self._look = look
        self._begun = 0  # texts

    def rounds(self, texts: Iterator[Item], look_ahead: int) -> Iterator[Round | None]:
        """Yield rounds of at most `look_ahead` characters, and None after each portion inside a round."""
        runs: list[Run] = []
        for portion, complete in _portions(texts, look_ahead):
            began = time.perf_counter()
            runs += self._encoded(portion) if portion else []
            made = self._round(runs) if complete else None
            self.seconds += time.perf_counter() - began
            if complete:
                runs = []
            yield made

    def _encoded(self, items: list[Item]) -> list[Run]:
        """Encode texts and cut them into windows."""
        began = time.perf_counter()
        runs: list[Run] = []
        as_written, length = self._as_written, self._length
        encodings = self._tokenizer.encode_all([text for text, _ in items], folded=as_written)
        placed = []
        for encoding, (_, segments) in zip(encodings, items, strict=True):
            self._look()  # a chance to cancel: a text without line breaks takes a second
            placed.append(divide(encoding, segments) if as_written or segments is not None else encoding)
        self._look()
        for one, words in zip(placed, self._words(placed), strict=True):
            segment = one.segment
            if not as_written and segment is None and len(one) > length:
                segment = segment_numbers(one)
            cut = windows.plan(one.text, one.offsets, words, segment, length=length, overlap=self._overlap)
            logits = np.empty((len(one), self._label_count), np.float32)
            runs.append(Run(self._begun + len(runs), one, words, cut, logits))
            if as_written and one.cells is not None:
                runs[-1].together = np.zeros_like(logits)
        self._begun += len(runs)
        milliseconds = 1000 * (time.perf_counter() - began)
        pieces = sum(len(run.encoding) for run in runs)
        for run in runs:
            run.tokenization = milliseconds * (len(run.encoding) / pieces if pieces else 1 / len(runs))
        return runs

    def _words(self, encodings: Sequence[Encoding]) -> list[np.ndarray]:
        """Return `Run.words` of each text."""
        wanted = [one.words is None and (self._as_written or len(one) > self._length) for one in encodings]
        written = list(compress(encodings, wanted))
        found = iter(word_numbers_of_each([one.text for one in written], [one.offsets for one in written]))
        return [next(found) if new else one.word for one, new in zip(encodings, wanted, strict=True)]

    def _round(self, runs: list[Run]) -> Round:
        """Group the rows of texts by length."""
        rows = []
        for run in runs:
            own = list(self._rows_of(run))
            run.missing = len(own)
            rows += own
        pieces = sum(len(row.ids) for row in rows)
        step = 1 if pieces >= _FEW_PIECES else _LENGTH_STEP_ALONE if len(rows) == 1 else _LENGTH_STEP
        lengths = [self._row_length(row, step) for row in rows]
        if self._shape(0):
            found = batching.fill(lengths, lambda length: (self._shape(length) or (1, 0))[0])
        else:
            found = batching.group(lengths)
        groups = [Group([rows[index] for index in group], lengths[group[0]]) for group in found]
        return Round(
            groups or [Group([], _LENGTH_STEP)],  # blank texts come out with an empty row
            [run for run in runs if not run.missing],
            # Assume that later texts are like these.
            following=len(groups) * max(self._count - self._begun, 0) // len(runs),
        )

    def _rows_of(self, run: Run) -> Iterator[Row]:
        """Yield the windows of a text, and its columns with a comma between the cells."""
        one, logits = run.encoding, run.logits
        for window in run.windows:
            shown = slice(window.start, window.end)
            kept = slice(window.keep_start - window.start, window.keep_end - window.start)
            pieces = slice(window.keep_start, window.keep_end)
            yield Row(run, one.ids[shown], one.type_ids[shown], kept, pieces, logits)
        if run.together is None or one.cells is None or one.segment is None:
            return
        comma, column = self._tokenizer.comma, one.cells[:, 0]
        # Behind the pieces of the text stand those of the comma, at -1, -2, …
        ids, types = np.append(one.ids, comma.ids[::-1]), np.append(one.type_ids, comma.type_ids[::-1])
        for shown_pieces in windows.plan_columns(
            column, one.segment, length=self._length, between=len(comma)
        ):
            places = np.flatnonzero((shown_pieces >= 0) & (column[shown_pieces] >= 0))
            shown_types = types[shown_pieces]
            yield Row(run, ids[shown_pieces], shown_types, places, shown_pieces[places], run.together)

    def _row_length(self, row: Row, step: int) -> int:
        """Return the length of a row with special tokens, rounded up where shapes are dynamic."""
        special = self._tokenizer.special_count
        length = len(row.ids) + special
        if self._shape(length):
            return length
        return min(math.ceil(length / step) * step, self._length + special)


def _portions(texts: Iterable[Item], most_characters: int) -> Iterator[tuple[list[Item], bool]]:
    """Divide a stream into portions, the last perhaps empty, and tell which complete a round."""
    items: list[Item] = []
    count = characters = in_portion = 0
    for text, segments in texts:
        items.append((text, segments))
        length = len(text) if isinstance(text, str) else sum(map(len, text))
        count, characters, in_portion = count + 1, characters + length, in_portion + length
        complete = count >= ROUND_TEXTS or characters >= most_characters
        if complete:
            count = characters = 0
        if complete or len(items) >= _PORTION_TEXTS or in_portion >= _PORTION_CHARACTERS:
            yield items, complete
            items, in_portion = [], 0
    if count:
        yield items, True
