"""From texts to logits: rounds of texts are encoded, cut into windows, batched, run, and come out in order.

While the batches of one round run, the next round is encoded. Memory is bounded by two rounds.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ner_core import batching, windows
from ner_core.hardware import DeviceError
from ner_core.layout import divide, segment_numbers
from ner_core.texts import checked_text, until_failure, with_segments
from ner_core.units import Pieces
from ner_core.words import space_numbers, whitespace_numbers, word_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_core.inference import InferenceEngine
    from ner_core.texts import Item, Segments
    from ner_core.tokenizer import Encoding, Tokenizer

__all__ = ["ROUND_CHARACTERS", "ROUND_TEXTS", "Pipeline", "Run"]

# A stream looks this far ahead, to find texts of similar length; whichever comes first ends a round. News in
# rounds of 512 sentences is padded by 2.6 %, of 1024 by 1.2 %, of 4096 by 0.3 %.
ROUND_TEXTS = 1024
ROUND_CHARACTERS = 200_000

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
        Milliseconds; the text's share of its round by pieces.
    """

    encoding: Encoding
    words: np.ndarray
    windows: list[windows.Window]
    logits: np.ndarray
    together: np.ndarray | None = None
    tokenization: float = 0.0
    inference: float = 0.0

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


class _Row(NamedTuple):
    """A row for the model, without special tokens, and where the logits of some of its pieces go."""

    ids: np.ndarray
    type_ids: np.ndarray
    kept: slice | np.ndarray
    pieces: slice | np.ndarray
    logits: np.ndarray


@dataclass(slots=True)
class _Round:
    """Texts that are sorted and batched together, and the seconds spent on them."""

    runs: list[Run]
    groups: list[list[_Row]]
    step: int
    done: int = 0
    encoding: float = 0.0
    inference: float = 0.0

    def share(self) -> list[Run]:
        """Return the texts, with the time of the round divided among them by their pieces."""
        pieces = sum(len(run.encoding) for run in self.runs)
        for run in self.runs:
            part = 1000 * len(run.encoding) / pieces if pieces else 1000 / len(self.runs)
            run.tokenization = part * self.encoding
            run.inference = part * self.inference
        return self.runs


@dataclass(slots=True)
class _Progress:
    """Rounds on their way, oldest first, and the seconds spent on encoding so far."""

    rounds: deque[_Round] = field(default_factory=deque)
    encoding: float = 0.0


class Pipeline:
    """Run texts through a model.

    Parameters
    ----------
    engine : InferenceEngine
        Runs the model.
    tokenizer : Tokenizer
        Splits texts into pieces.
    label_count : int
        Labels of the model.
    length : int
        Maximum pieces in a window, without special tokens.
    overlap : int
        Pieces that neighbouring windows share.
    """

    def __init__(
        self,
        engine: InferenceEngine,
        tokenizer: Tokenizer,
        *,
        label_count: int,
        length: int,
        overlap: int,
    ) -> None:
        self.length = length
        self.overlap = overlap
        self._engine = engine
        self._tokenizer = tokenizer
        self._label_count = label_count

    def run(
        self,
        texts: Iterable[str | Sequence[str]],
        look_ahead: int = ROUND_CHARACTERS,
        progress: Callable[[int, int], None] | None = None,
        segments: Iterable[Segments] | None = None,
        *,
        as_written: bool = False,
    ) -> Iterator[list[Run]]:
        """Run texts through the model, round by round.

        Parameters
        ----------
        texts : iterable of str or of sequence of str
            Texts, and texts that are already split into words; any number of them.
        look_ahead : int
            Characters in a round.
        progress : callable, optional
            Called after each batch with the number of finished batches and of all batches in the current
            round, and with 0 and 1 while a round is prepared; an exception in it ends the run.
        segments : iterable of (sequence of (int, int), or None), optional
            For each text the segments that its reader knows, see `ner_core.segments`.
        as_written : bool
            Whether to find segments and fold characters. Otherwise the model sees texts unchanged, and
            segments that were found (not given) only decide where long texts are cut.

        Yields
        ------
        list of Run
            The texts of a round, in order.

        Raises
        ------
        DeviceError
            If logits are NaN or infinite.
        TypeError
            If an item is neither a text nor words.
        ValueError
            If segments do not fit their text, or their number differs from that of the texts.
        """
        progress = progress or (lambda *_: None)
        work = _Progress()
        failures: list[Exception] = []
        items = ((checked_text(text), given) for text, given in with_segments(texts, segments))
        rounds = _rounds(until_failure(items, failures), look_ahead)
        count = len(texts) if isinstance(texts, Sized) else 0
        results = self._engine.run(self._batches(rounds, work, as_written, count, progress))
        while True:
            began, encoded = time.perf_counter(), work.encoding
            logits = next(results, None)
            waited = time.perf_counter() - began - (work.encoding - encoded)
            if logits is None:
                break
            this = work.rounds[0]
            this.inference += waited
            before = len(self._tokenizer.prefix)
            for row, found in zip(this.groups[this.done], logits, strict=False):
                kept = found[before:][row.kept]
                if not np.isfinite(kept).all():
                    msg = (
                        f"{self._engine.description} returned logits that are NaN or infinite. Convert the "
                        "model again, or try another OpenVINO version, another device, or compute='exact'."
                    )
                    raise DeviceError(msg)
                row.logits[row.pieces] = kept
            this.done += 1
            progress(this.done, len(this.groups))
            if this.done == len(this.groups):
                yield work.rounds.popleft().share()
        for failure in failures:
            raise failure

    def _batches(
        self,
        rounds: Iterable[list[Item]],
        work: _Progress,
        as_written: bool,
        count: int,
        progress: Callable[[int, int], None],
    ) -> Iterator[batching.Batch]:
        """Encode texts round by round and yield batches; `count` is the number of texts, 0 if unknown."""
        for items in rounds:
            count -= len(items)
            began = time.perf_counter()
            this = self._round(items, as_written, progress)
            this.encoding = time.perf_counter() - began
            work.encoding += this.encoding
            work.rounds.append(this)
            # Assume that later rounds are like this one.
            later = len(this.groups) * max(count, 0) // len(items)
            for number, group in enumerate(this.groups, 1):
                longest = self._row_length(group[0], this.step) if group else _LENGTH_STEP
                yield batching.stack(
                    [(row.ids, row.type_ids) for row in group],
                    prefix=self._tokenizer.prefix,
                    suffix=self._tokenizer.suffix,
                    pad_id=self._tokenizer.pad_id,
                    shape=self._engine.shape(longest) or (max(len(group), 1), longest),
                    following=len(this.groups) - number + later,
                )

    def _round(self, items: list[Item], as_written: bool, progress: Callable[[int, int], None]) -> _Round:
        """Encode the texts of a round, cut them into windows, and group the windows of all of them."""
        runs = []
        encodings = self._tokenizer.encode_all([text for text, _ in items], folded=as_written)
        for encoding, (_, segments) in zip(encodings, items, strict=True):
            progress(0, 1)  # a chance to cancel: a text without line breaks takes a second
            one = divide(encoding, segments) if as_written or segments is not None else encoding
            given = one.words is not None or not (as_written or len(one) > self.length)
            words = one.word if given else word_numbers(one.text, one.offsets)
            segment = one.segment
            progress(0, 1)
            if not as_written and segment is None and len(one) > self.length:
                segment = segment_numbers(one)
            cut = windows.plan(
                one.text, one.offsets, words, segment, length=self.length, overlap=self.overlap
            )
            runs.append(Run(one, words, cut, np.empty((len(one), self._label_count), np.float32)))
            if as_written and one.cells is not None:
                runs[-1].together = np.zeros_like(runs[-1].logits)
        rows = [row for run in runs for row in self._rows_of(run)]
        pieces = sum(len(row.ids) for row in rows)
        step = 1 if pieces >= _FEW_PIECES else _LENGTH_STEP_ALONE if len(rows) == 1 else _LENGTH_STEP
        lengths = [self._row_length(row, step) for row in rows]
        if self._engine.shape(0):
            found = batching.fill(lengths, lambda length: (self._engine.shape(length) or (1, 0))[0])
        else:
            found = batching.group(lengths)
        groups = [[rows[index] for index in group] for group in found]
        return _Round(runs, groups or [[]], step)  # blank texts come out with an empty row

    def _rows_of(self, run: Run) -> Iterator[_Row]:
        """Yield the windows of a text, and its columns with a comma between the cells."""
        one, logits = run.encoding, run.logits
        for window in run.windows:
            shown = slice(window.start, window.end)
            kept = slice(window.keep_start - window.start, window.keep_end - window.start)
            pieces = slice(window.keep_start, window.keep_end)
            yield _Row(one.ids[shown], one.type_ids[shown], kept, pieces, logits)
        if run.together is None or one.cells is None or one.segment is None:
            return
        comma, column = self._tokenizer.comma, one.cells[:, 0]
        # Behind the pieces of the text stand those of the comma, at -1, -2, …
        ids, types = np.append(one.ids, comma.ids[::-1]), np.append(one.type_ids, comma.type_ids[::-1])
        for shown_pieces in windows.plan_columns(column, one.segment, length=self.length, between=len(comma)):
            places = np.flatnonzero((shown_pieces >= 0) & (column[shown_pieces] >= 0))
            shown_types = types[shown_pieces]
            yield _Row(ids[shown_pieces], shown_types, places, shown_pieces[places], run.together)

    def _row_length(self, row: _Row, step: int) -> int:
        """Return the length of a row with special tokens, rounded up where shapes are dynamic."""
        special = self._tokenizer.special_count
        length = len(row.ids) + special
        if self._engine.shape(length):
            return length
        return min(math.ceil(length / step) * step, self.length + special)


def _rounds(texts: Iterator[Item], most_characters: int) -> Iterator[list[Item]]:
    """Divide a stream into rounds of bounded size."""
    items: list[Item] = []
    characters = 0
    for text, segments in texts:
        items.append((text, segments))
        characters += len(text) if isinstance(text, str) else sum(map(len, text))
        if len(items) >= ROUND_TEXTS or characters >= most_characters:
            yield items
            items, characters = [], 0
    if items:
        yield items
