"""EntityRecognizer: tokenizer, windows, batches, engine and decoder in one object."""

from __future__ import annotations

import functools
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ner_core import windows
from ner_core.aggregation import AS_WRITTEN, DEFAULT_AGGREGATION, checked_aggregation, checked_threshold
from ner_core.arguments import check_count, check_path, check_string, checked_strings
from ner_core.calibration import parse_calibration, parse_threshold
from ner_core.calls import RecognizerCalls
from ner_core.decoding import Decoder
from ner_core.entity import Recognition, Timings
from ner_core.forks import open_model
from ner_core.hardware import check_process
from ner_core.ir import checked_labels, locate, tokenizer_beside
from ner_core.labels import checked_labels_wanted
from ner_core.pipeline import Pipeline
from ner_core.rounds import ROUND_CHARACTERS
from ner_core.settings import EngineSettings
from ner_core.texts import check_several, in_order
from ner_core.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from ner_core.inference import InferenceEngine
    from ner_core.rounds import Run

__all__ = ["EntityRecognizer"]

#: Default length of the position table: BERT's.
_DEFAULT_MAX_LENGTH = 512

# In a forked process: the engines of the parent, kept because destroying them would hang on their missing
# threads; and a lock, so that only one thread reloads the model.
_inherited: list[InferenceEngine] = []
_settling = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: globals().update(_settling=threading.Lock()))


class EntityRecognizer(RecognizerCalls):
    """Text in, entities out; created by `from_ir`. Safe to call from several threads.

    Examples
    --------
    >>> ner = EntityRecognizer.from_ir("FP16/bert-base-ner.xml")  # doctest: +SKIP
    >>> ner("Mary lives in Santa Clara.").entities[0].label  # doctest: +SKIP
    'PER'
    """

    def __init__(
        self,
        engine: InferenceEngine,
        tokenizer: Tokenizer,
        tags: Sequence[str],
        *,
        max_length: int = _DEFAULT_MAX_LENGTH,
        name: str = "",
        precision: str = "",
        model_info: dict[str, str] | None = None,
        aggregation: str | None = None,
        threshold: float | None = None,
        raw_scores: bool = False,
        window: int | None = None,
        overlap: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.tags = tuple(tags)
        self.max_length = min(max_length, engine.max_length or max_length)
        self.name = name
        self.precision = precision
        self.model_info = info = dict(model_info or {})
        self.aggregation = checked_aggregation(aggregation or info.get("aggregation") or DEFAULT_AGGREGATION)
        self.threshold = None if threshold is None else checked_threshold(threshold)
        self.raw_scores = raw_scores
        self._own_engine = engine
        self._decoder = Decoder(self.tags, info.get("tag_scheme"), parse_calibration(info.get("calibration")))
        self._own_threshold = parse_threshold(info.get("threshold", "0"))
        self._process = os.getpid()
        self._made_of: dict[str, Any] | None = None
        special = tokenizer.special_count
        room = self.max_length - special
        if room < 1:
            msg = f"max_length {self.max_length} is too short: {special} pieces are special tokens."
            raise ValueError(msg)
        length = min(window or windows.LENGTH, room)
        self._own_pipeline = Pipeline(
            engine,
            tokenizer,
            label_count=len(self.tags),
            length=length,
            overlap=windows.default_overlap(length) if overlap is None else overlap,
        )

    @property
    def _engine(self) -> InferenceEngine:
        self._settle()
        return self._own_engine

    @property
    def _pipeline(self) -> Pipeline:
        self._settle()
        return self._own_pipeline

    def _settle(self) -> None:
        """Reload the model in a process forked from the one that loaded it."""
        if os.getpid() == self._process:
            return
        if self._made_of is None:
            check_process(self._process)
            return
        with _settling:
            if os.getpid() != self._process:
                fresh = type(self).from_ir(**self._made_of)
                _inherited.append(self._own_engine)
                self._own_engine, self._own_pipeline = fresh._engine, fresh._pipeline  # noqa: SLF001
                self._process = os.getpid()

    @classmethod
    def from_ir(
        cls,
        path: str | Path,
        *,
        device: str = "AUTO",
        tokenizer: str | Path | Tokenizer | None = None,
        labels: Sequence[str] | None = None,
        lower_case: bool | None = None,
        max_length: int | None = None,
        name: str | None = None,
        precision: str | None = None,
        aggregation: str | None = None,
        threshold: float | None = None,
        raw_scores: bool = False,
        window: int | None = None,
        overlap: int | None = None,
        settings: EngineSettings | None = None,
        **changes: Any,
    ) -> EntityRecognizer:
        """Load an OpenVINO IR.

        Parameters
        ----------
        path : str or Path
            The ``.xml``, or a folder that holds one. Options that are not given are read from its rt_info
            section ``model_info`` and from the ``tokenizer.json`` or ``vocab.txt`` beside it.
        device : str
            Any device expression of OpenVINO, see `ner_core.check_device`; or ``kserve://host:port/model``
            or ``grpc://host:port/model`` for a server that runs it, while labels and tokenizer are read here.
        tokenizer : str, Path or Tokenizer, optional
            A tokenizer.json, vocab.txt, or a folder with one.
        labels : sequence of str, optional
            Labels of the model in id order.
        lower_case : bool, optional
            For a vocab.txt, see `Tokenizer.from_file`.
        max_length : int, optional
            Maximum pieces in a row, special tokens included; by default from rt_info, else 512.
        name, precision : str, optional
            Name and precision in results; by default from rt_info, else the names of the file and its folder.
        aggregation : str, optional
            Default strategy to turn pieces into entities, one of `ner_core.AGGREGATIONS`; when not given,
            that of rt_info, else ``word``.
        threshold : float, optional
            Default for the lowest score to report, 0 to 1. When not given, that of rt_info for calibrated
            scores, see `default_threshold`.
        raw_scores : bool
            Default for the kind of scores: the probability that a span is right, or (True) the mean of its
            words' probabilities, as in transformers.
        window, overlap : int, optional
            Pieces in a window of a long text (126), and pieces that neighbouring windows share (15), without
            special tokens.
        settings : EngineSettings, optional
            How the model is run; ignored for a server.
        **changes
            Single settings by name, such as ``compute="exact"`` or ``hint="THROUGHPUT"``.

        Returns
        -------
        EntityRecognizer

        Raises
        ------
        FileNotFoundError
            If the model or its tokenizer is missing.
        DeviceError
            If the device is missing or cannot run the model.
        TypeError
            If an argument has the wrong type or an unknown name.
        ValueError
            If labels are missing or do not fit, or a setting is wrong.
        """
        made_of = {
            name: value for name, value in locals().items() if name not in ("cls", "changes")
        } | changes
        check_path("path", path, "the path of an .xml, or of a folder that holds one")
        check_string("device", device, "'CPU'")
        if tokenizer is not None and not isinstance(tokenizer, Tokenizer):
            check_path("tokenizer", tokenizer)
        if labels is not None:
            made_of["labels"] = labels = checked_strings("labels", labels, "['O', 'B-PER', 'I-PER']")
        check_count("max_length", max_length)
        check_count("window", window)
        check_count("overlap", overlap, 0)
        settings = (settings or EngineSettings()).changed(**changes)
        path = locate(path)
        made_of["path"] = path.absolute()
        model = open_model(path)
        info = model.info
        if not isinstance(tokenizer, Tokenizer):
            tokenizer = Tokenizer.from_file(
                tokenizer_beside(path) if tokenizer is None else tokenizer,
                lower_case=lower_case,
                token_type_ids=info.get("token_type_ids", "segments"),
                conversions=info.get("conversions", ""),
            )
        max_length = max_length or int(info.get("max_length", _DEFAULT_MAX_LENGTH))
        engine = model.start(device, settings, max_length)
        recognizer = cls(
            engine,
            tokenizer,
            checked_labels(labels, info, engine.label_count, path),
            max_length=max_length,
            name=name or info.get("model_name") or path.stem,
            precision=precision or info.get("precision") or path.parent.name,
            model_info=info,
            aggregation=aggregation,
            threshold=threshold,
            raw_scores=raw_scores,
            window=window,
            overlap=overlap,
        )
        recognizer._made_of = made_of
        return recognizer

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments of `from_ir`: the model is loaded again when unpickled."""
        if self._made_of is None:
            msg = "Only a recognizer created by from_ir can be pickled: unpickling loads its file again."
            raise TypeError(msg)
        settings = {name: getattr(self, name) for name in ("aggregation", "threshold", "raw_scores")}
        return functools.partial(type(self).from_ir, **self._made_of), (), settings

    def __repr__(self) -> str:
        return f"<EntityRecognizer {self.name} {self.precision} on {self.device}: {' '.join(self.labels)}>"

    @property
    def device(self) -> str:
        """The device that actually runs the model."""
        return self._engine.device

    @property
    def compute(self) -> str:
        """The arithmetic of the device, see `ner_core.compute`; empty if unknown."""
        return self._engine.compute

    @property
    def labels(self) -> list[str]:
        """Entity types, in order of first appearance in `tags`."""
        return list(self._decoder.types)

    @property
    def default_threshold(self) -> float:
        """The lowest score that a call without a threshold reports."""
        return self._least_score(self.aggregation, self.raw_scores)

    def _least_score(self, strategy: str, raw_scores: bool) -> float:
        """Return the default threshold; that of rt_info applies only to calibrated scores."""
        if self.threshold is not None:
            return self.threshold
        return 0.0 if raw_scores or strategy not in AS_WRITTEN else self._own_threshold

    def likely(self, found: Recognition, *, aggregation: str | None = None) -> Recognition:
        """Reduce a result of ``threshold=0`` to what a call without a threshold returns."""
        least = self._least_score(aggregation or self.aggregation, self.raw_scores)
        return replace(found, entities=tuple(one for one in found.entities if one.score >= least))

    @property
    def notes(self) -> tuple[str, ...]:
        """Messages for the user, such as a fallback to another device."""
        return self.tokenizer.notes + self._engine.notes

    def stream(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
        segments: Iterable[Sequence[tuple[int, int]] | None] | None = None,
        raw_scores: bool | None = None,
        look_ahead: int = ROUND_CHARACTERS,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Recognition]:
        """Recognize the entities of any number of texts, in order and in bounded memory.

        Parameters
        ----------
        texts : iterable of str or of sequence of str
            Texts, or their words.
        aggregation, threshold, labels, raw_scores : optional
            As for one text.
        segments : iterable, optional
            For each text its segments, or None.
        look_ahead : int
            Results come in rounds of 1024 texts or of this many characters, whichever is reached first. Small
            rounds come sooner, but have fewer texts of similar length: with 20,000 characters, padding and
            batch overhead make sentences 7.5 % slower and long documents 3.3 %.
        progress : callable, optional
            As for one text, for the current round; called with 0 and 1 while the next round is prepared.

        Yields
        ------
        Recognition

        Raises
        ------
        TypeError
            If an item is neither a text nor words, or if this is one text instead of several.
        ValueError
            If the aggregation or a label is unknown, the threshold is not from 0 to 1, or segments do not fit
            their text. Texts before one that fails are answered first.
        """
        strategy = checked_aggregation(aggregation or self.aggregation)
        raw = self.raw_scores if raw_scores is None else raw_scores
        least = self._least_score(strategy, raw) if threshold is None else checked_threshold(threshold)
        if labels is not None:
            labels = checked_labels_wanted([labels] if isinstance(labels, str) else labels, self.labels)
        check_several(texts)
        as_written = strategy in AS_WRITTEN
        finished = self._pipeline.run(texts, look_ahead, progress, segments, as_written=as_written)
        return in_order(self._decoded(finished, strategy, least, labels, raw))

    def _decoded(
        self,
        finished: Iterator[list[Run]],
        strategy: str,
        threshold: float,
        labels: Collection[str] | None,
        raw_scores: bool,
    ) -> Iterator[tuple[int, Recognition]]:
        """Decode texts as they are finished; yield their numbers and results."""
        for runs in finished:
            began = time.perf_counter()
            decoded = self._decoder.decode_all(
                [run.pieces(strategy, self.tokenizer) for run in runs],
                strategy=strategy,
                threshold=threshold,
                labels=labels,
                raw_scores=raw_scores,
            )
            decoding = 1000 * (time.perf_counter() - began)
            pieces = sum(len(run.encoding) for run in runs)
            device, compute, notes = self.device, self.compute, self.notes
            for run, entities in zip(runs, decoded, strict=True):
                encoding = run.encoding
                share = len(encoding) / pieces if pieces else 1 / len(runs)
                found = Recognition(
                    encoding.text,
                    entities,
                    encoding.words,
                    model=self.name,
                    device=device,
                    precision=self.precision,
                    compute=compute,
                    pieces=len(encoding),
                    windows=len(run.windows),
                    timings=Timings(run.tokenization, run.inference, decoding * share),
                    notes=notes,
                )
                yield run.number, found

    def tag_pieces(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[list[str]]]:
        """Tag every piece of every word with its most likely tag.

        Parameters
        ----------
        sentences : iterable of sequence of str
            Sentences as words.

        Yields
        ------
        list of list of str
            For every word the raw tags of its pieces.
        """
        for run in self._pipeline.in_order(sentences):
            pieces: list[list[str]] = [[] for _ in run.encoding.words or ()]
            for word, tag in zip(run.encoding.word.tolist(), run.logits.argmax(axis=-1), strict=True):
                pieces[word].append(self.tags[tag])
            yield pieces
