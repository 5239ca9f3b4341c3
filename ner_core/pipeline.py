"""From texts to logits: rounds of texts are batched, run, and come out as their logits are complete.

While the batches of one round run, the next round is encoded, and finished texts are with the caller, who
decodes them. Memory is bounded by two rounds.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sized
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from ner_core import batching
from ner_core.hardware import DeviceError
from ner_core.rounds import ROUND_CHARACTERS, Preparation
from ner_core.texts import checked_text, in_order, until_failure, with_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ner_core.inference import InferenceEngine
    from ner_core.rounds import Round, Run
    from ner_core.texts import Segments
    from ner_core.tokenizer import Tokenizer

__all__ = ["Pipeline"]

# Finished texts come out when they have this many pieces, because decoding has a fixed cost per call.
_PIECES_AT_ONCE = 3_000


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
        """Run texts through the model.

        Parameters
        ----------
        texts : iterable of str or of sequence of str
            Texts, and texts that are already split into words; any number of them.
        look_ahead : int
            Characters in a round.
        progress : callable, optional
            Called after each batch with the number of finished batches and of all batches in the current
            round, and with 0 and 1 while the first round is prepared; an exception in it ends the run.
        segments : iterable of (sequence of (int, int), or None), optional
            For each text the segments that its reader knows, see `ner_core.segments`.
        as_written : bool
            Whether to find segments and fold characters. Otherwise the model sees texts unchanged, and
            segments that were found (not given) only decide where long texts are cut.

        Yields
        ------
        list of Run
            Texts whose logits are complete, in any order within a round (see `in_order`);
            later batches run while the caller handles them.

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
        rounds: deque[Round] = deque()  # on their way, oldest first
        failures: list[Exception] = []
        preparation = Preparation(
            self._tokenizer,
            self._engine.shape,
            label_count=self._label_count,
            length=self.length,
            overlap=self.overlap,
            count=len(texts) if isinstance(texts, Sized) else 0,
            as_written=as_written,
            look=lambda: progress(*((rounds[0].done, len(rounds[0].groups)) if rounds else (0, 1))),
        )
        items = ((checked_text(text), given) for text, given in with_segments(texts, segments))
        prepared = preparation.rounds(until_failure(items, failures), look_ahead)
        results = self._engine.run(self._batches(prepared, rounds))
        finished: list[Run] = []
        while True:
            began, preparing = time.perf_counter(), preparation.seconds
            logits = next(results, None)
            waited = time.perf_counter() - began - (preparation.seconds - preparing)
            if logits is None:
                break
            this = rounds[0]
            finished += self._take(this, logits, 1000 * waited)
            progress(this.done, len(this.groups))
            complete = this.done == len(this.groups)
            if complete:
                finished += this.blank
                rounds.popleft()
            if complete or sum(len(run.encoding) for run in finished) >= _PIECES_AT_ONCE:
                yield finished
                finished = []
        for failure in failures:
            raise failure

    def in_order(self, texts: Iterable[str | Sequence[str]], *, as_written: bool = False) -> Iterator[Run]:
        """Run texts through the model, as `run`, and yield them in the order in which they are given."""
        finished = chain.from_iterable(self.run(texts, as_written=as_written))
        return in_order((run.number, run) for run in finished)

    def _batches(self, prepared: Iterator[Round | None], rounds: deque[Round]) -> Iterator[batching.Batch]:
        """Yield the batches of each round; between them, prepare portions of the next round.

        Only once all texts of the previous round have come out, so that memory is bounded by two rounds.
        """
        this = _next_round(prepared)
        while this is not None:
            rounds.append(this)
            coming = None
            for number, group in enumerate(this.groups, 1):
                yield batching.stack(
                    [(row.ids, row.type_ids) for row in group.rows],
                    prefix=self._tokenizer.prefix,
                    suffix=self._tokenizer.suffix,
                    pad_id=self._tokenizer.pad_id,
                    shape=self._engine.shape(group.length) or (max(len(group.rows), 1), group.length),
                    following=len(this.groups) - number + this.following,
                )
                if number < len(this.groups) and len(rounds) == 1:
                    coming = coming or next(prepared, None)
            this = coming or _next_round(prepared)

    def _take(self, this: Round, logits: np.ndarray, milliseconds: float) -> list[Run]:
        """Copy the logits of the next group of a round, and return the texts that are complete with them."""
        rows, before = this.groups[this.done].rows, len(self._tokenizer.prefix)
        share = milliseconds / max(sum(len(row.ids) for row in rows), 1)
        complete = []
        for row, found in zip(rows, logits, strict=False):
            kept = found[before:][row.kept]
            if not np.isfinite(kept).all():
                msg = (
                    f"{self._engine.description} returned logits that are NaN or infinite. Convert the "
                    "model again, or try another OpenVINO version, another device, or compute='exact'."
                )
                raise DeviceError(msg)
            row.logits[row.pieces] = kept
            run = row.run
            run.inference += share * len(row.ids)
            run.missing -= 1
            if not run.missing:
                complete.append(run)
        this.done += 1
        return complete


def _next_round(prepared: Iterator[Round | None]) -> Round | None:
    return next((one for one in prepared if one is not None), None)
