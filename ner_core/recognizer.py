"""EntityRecognizer: tokenizer, windows, batches, engine and decoder in one object."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ner_core import batching, windows
from ner_core.decoding import STRATEGIES, Decoder
from ner_core.engine import Engine, read_model
from ner_core.entity import Recognition, Timings
from ner_core.tokenizer import Encoding, Tokenizer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import openvino as ov

__all__ = ["EntityRecognizer"]

#: Most pieces that BERT's position table takes, where nobody says otherwise.
_DEFAULT_MAX_LENGTH = 512

# A stream looks this far ahead, so that it finds texts of similar length; whichever comes first ends a round.
_ROUND_TEXTS = 512
_ROUND_CHARACTERS = 100_000

_RT_INFO = "model_info"


@dataclass(slots=True)
class _Run:
    """One text on its way through the model."""

    encoding: Encoding
    windows: list[windows.Window]
    logits: np.ndarray
    tokenization: float = 0.0
    inference: float = 0.0


@dataclass(slots=True)
class _Round:
    """Texts that are sorted and batched together, and the seconds spent on them."""

    runs: list[_Run]
    groups: list[list[tuple[_Run, windows.Window]]]
    done: int = 0
    encoding: float = 0.0
    inference: float = 0.0

    def share(self) -> list[_Run]:
        """Divide the time among the texts by their pieces; give the texts."""
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

    def finished(self) -> Iterator[_Run]:
        """Give the texts of the rounds whose batches are all done."""
        while self.rounds and self.rounds[0].done == len(self.rounds[0].groups):
            yield from self.rounds.popleft().share()


class EntityRecognizer:
    """Text in, entities out; made by `from_ir`. Many threads may call one at once.

    Examples
    --------
    >>> ner = EntityRecognizer.from_ir("FP16/bert-base-ner.xml")  # doctest: +SKIP
    >>> ner("Mary lives in Santa Clara.").entities[0].label  # doctest: +SKIP
    'PER'
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        tags: Sequence[str],
        *,
        max_length: int = _DEFAULT_MAX_LENGTH,
        name: str = "",
        precision: str = "",
        model_info: dict[str, str] | None = None,
        aggregation: str = "first",
        threshold: float = 0.0,
        window: int | None = None,
        overlap: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.tags = tuple(tags)
        self.max_length = min(max_length, engine.max_length or max_length)
        self.name = name
        self.precision = precision
        self.model_info = dict(model_info or {})
        self.aggregation = _strategy(aggregation)
        self.threshold = threshold
        self._engine = engine
        self._decoder = Decoder(self.tags, self.model_info.get("tag_scheme"))
        room = self.max_length - tokenizer.special_count
        if room < 1:
            msg = f"max_length {self.max_length} is too short: {tokenizer.special_count} are special."
            raise ValueError(msg)
        self.window = min(window or room, room)
        self.overlap = self.window // 4 if overlap is None else overlap

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
        hint: str = "LATENCY",
        streams: int | None = None,
        threads: int | None = None,
        cache_dir: str | Path | None = None,
        inference_precision: str | None = None,
        fallback: bool = False,
        static_shapes: Sequence[tuple[int, int]] | None = None,
        aggregation: str = "first",
        threshold: float = 0.0,
        window: int | None = None,
        overlap: int | None = None,
    ) -> EntityRecognizer:
        """Load an OpenVINO IR.

        Parameters
        ----------
        path : str or Path
            The ``.xml``, or a folder that holds one. What is not given here is read from its rt_info section
            ``model_info`` and from the ``tokenizer.json`` or ``vocab.txt`` beside it.
        device : str
            Any device expression of OpenVINO, see `ner_core.check_device`.
        tokenizer : str, Path or Tokenizer, optional
            A tokenizer.json, vocab.txt, or a folder with one.
        labels : sequence of str, optional
            Labels of the model in id order.
        lower_case : bool, optional
            For a vocab.txt, see `Tokenizer.from_file`.
        max_length : int, optional
            Most pieces the model takes at once, special tokens included; 512 when nothing says otherwise.
        name, precision : str, optional
            What results call the model; by default from rt_info, else the names of the file and its folder.
        hint, streams, threads, cache_dir, inference_precision, fallback, static_shapes
            See `Engine`.
        aggregation : str
            Default strategy: none, simple, first, average or max.
        threshold : float
            Default for the lowest score to report, 0 to 1.
        window, overlap : int, optional
            Pieces in one window of a long text, and pieces that neighbours share.

        Returns
        -------
        EntityRecognizer

        Raises
        ------
        FileNotFoundError
            If the model or its tokenizer is missing.
        DeviceError
            If the device is missing or cannot run the model.
        ValueError
            If labels are missing or do not fit, or a setting is wrong.
        """
        path = _model_path(Path(path))
        model = read_model(path)
        info = _rt_info(model)
        engine = Engine(
            model,
            path,
            device=device,
            hint=hint,
            streams=streams,
            threads=threads,
            cache_dir=cache_dir,
            inference_precision=inference_precision,
            fallback=fallback,
            static_shapes=static_shapes,
        )
        if tokenizer is None:
            tokenizer = _tokenizer_beside(path)
        if not isinstance(tokenizer, Tokenizer):
            tokenizer = Tokenizer.from_file(
                tokenizer, lower_case=lower_case, token_type_ids=info.get("token_type_ids", "segments")
            )
        return cls(
            engine,
            tokenizer,
            _checked_labels(labels, info, engine.label_count, path),
            max_length=max_length or int(info.get("max_length", _DEFAULT_MAX_LENGTH)),
            name=name or info.get("model_name") or path.stem,
            precision=precision or info.get("precision") or path.parent.name,
            model_info=info,
            aggregation=aggregation,
            threshold=threshold,
            window=window,
            overlap=overlap,
        )

    @property
    def device(self) -> str:
        """The device that really runs the model."""
        return self._engine.device

    @property
    def labels(self) -> list[str]:
        """Entity types, in order of first appearance in `tags`."""
        return list(self._decoder.types)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, such as a fallback to another device."""
        return self.tokenizer.notes + self._engine.notes

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
    ) -> Recognition:
        """Recognize the entities of one text.

        Parameters
        ----------
        text : str or sequence of str
            A text of any length, or its words; for several texts see `batch`.
        aggregation, threshold : optional
            Instead of the defaults given to `from_ir`.
        labels : collection of str, optional
            Entity types to report; all when not given.

        Returns
        -------
        Recognition

        Raises
        ------
        TypeError
            If the text is neither.
        ValueError
            If the aggregation is unknown.
        """
        return next(self.stream([text], aggregation=aggregation, threshold=threshold, labels=labels))

    def batch(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
    ) -> list[Recognition]:
        """Recognize the entities of many texts; options as for one."""
        return list(self.stream(texts, aggregation=aggregation, threshold=threshold, labels=labels))

    def stream(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        aggregation: str | None = None,
        threshold: float | None = None,
        labels: Collection[str] | None = None,
    ) -> Iterator[Recognition]:
        """Recognize the entities of endlessly many texts in bounded memory, in order; options as for one.

        A round of up to 512 texts is read before the first result comes.
        """
        strategy = _strategy(aggregation or self.aggregation)
        lowest = self.threshold if threshold is None else threshold
        if isinstance(labels, str):
            labels = [labels]
        if isinstance(texts, (str, bytes)):
            msg = f"Expected several texts, found one {type(texts).__name__}; call the recognizer with one."
            raise TypeError(msg)
        return self._stream(texts, strategy, lowest, labels)

    def _stream(
        self,
        texts: Iterable[str | Sequence[str]],
        strategy: str,
        threshold: float,
        labels: Collection[str] | None,
    ) -> Iterator[Recognition]:
        for run in self._run(texts):
            began = time.perf_counter()
            encoding = run.encoding
            entities = self._decoder.decode(
                encoding.text,
                run.logits,
                encoding.offsets,
                encoding.word,
                strategy=strategy,
                threshold=threshold,
                labels=labels,
                split=encoding.words is not None,
            )
            decoding = 1000 * (time.perf_counter() - began)
            yield Recognition(
                encoding.text,
                entities,
                encoding.words,
                model=self.name,
                device=self.device,
                precision=self.precision,
                pieces=len(encoding),
                windows=len(run.windows),
                timings=Timings(run.tokenization, run.inference, decoding),
                notes=self.notes,
            )

    def tag(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        """Tag every word with the most likely tag of its first piece, for evaluation.

        Parameters
        ----------
        sentences : iterable of sequence of str
            Sentences as words.

        Yields
        ------
        list of str
            One raw tag a word; ``O`` for a word without pieces.
        """
        for pieces in self.tag_pieces(sentences):
            yield [tags[0] if tags else "O" for tags in pieces]

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
        for run in self._run(sentences):
            pieces: list[list[str]] = [[] for _ in run.encoding.words or ()]
            best = run.logits.argmax(axis=-1) if len(run.logits) else []
            for word, tag in zip(run.encoding.word.tolist(), best, strict=True):
                pieces[word].append(self.tags[tag])
            yield pieces

    def _run(self, texts: Iterable[str | Sequence[str]]) -> Iterator[_Run]:
        """Bring texts through the model; the next round is encoded while batches of this one run."""
        progress = _Progress()
        results = self._engine.run(self._batches(texts, progress))
        while True:
            began, encoded = time.perf_counter(), progress.encoding
            logits = next(results, None)
            waited = time.perf_counter() - began - (progress.encoding - encoded)
            if logits is None:
                break
            this = progress.rounds[0]
            this.inference += waited
            before = len(self.tokenizer.prefix)
            for row, (run, window) in enumerate(this.groups[this.done]):
                kept = logits[row, before + window.keep_start - window.start :]
                run.logits[window.keep_start : window.keep_end] = kept[: window.keep_end - window.keep_start]
            this.done += 1
            yield from progress.finished()
        yield from progress.finished()

    def _batches(self, texts: Iterable[str | Sequence[str]], progress: _Progress) -> Iterator[batching.Batch]:
        """Encode texts round by round and make the batches."""
        for items in _rounds(texts):
            began = time.perf_counter()
            this = self._round(items)
            this.encoding = time.perf_counter() - began
            progress.encoding += this.encoding
            progress.rounds.append(this)
            for group in this.groups:
                rows = [_row(run.encoding, window) for run, window in group]
                longest = max(len(ids) for ids, _ in rows) + self.tokenizer.special_count
                yield batching.stack(
                    rows,
                    prefix=self.tokenizer.prefix,
                    suffix=self.tokenizer.suffix,
                    pad_id=self.tokenizer.pad_id,
                    shape=self._engine.shape(longest),
                )

    def _round(self, items: list[str | Sequence[str]]) -> _Round:
        """Encode the texts of a round, cut them into windows, and group the windows of all of them."""
        runs = []
        for encoding in self.tokenizer.encode_all(items):
            cut = windows.plan(
                encoding.text, encoding.offsets, encoding.word, length=self.window, overlap=self.overlap
            )
            runs.append(_Run(encoding, cut, np.empty((len(encoding), len(self.tags)), np.float32)))
        rows = [(run, window) for run in runs for window in run.windows]
        lengths = [window.end - window.start + self.tokenizer.special_count for _, window in rows]
        groups = batching.group(lengths, self._capacity)
        return _Round(runs, [[rows[index] for index in group] for group in groups])

    def _capacity(self, length: int) -> int:
        """Give the most rows in a batch of such a length."""
        fixed = self._engine.shape(length)
        return fixed[0] if fixed else max(batching.TOKEN_BUDGET // length, 1)


def _row(encoding: Encoding, window: windows.Window) -> tuple[np.ndarray, np.ndarray | None]:
    """Cut the ids and token type ids of a window."""
    type_ids = encoding.type_ids
    cut = slice(window.start, window.end)
    return encoding.ids[cut], None if type_ids is None else type_ids[cut]


def _rounds(texts: Iterable[str | Sequence[str]]) -> Iterator[list[str | Sequence[str]]]:
    """Divide a stream into rounds of bounded size."""
    items: list[str | Sequence[str]] = []
    characters = 0
    for text in texts:
        item = _checked_text(text)
        items.append(item)
        characters += len(item) if isinstance(item, str) else sum(map(len, item))
        if len(items) >= _ROUND_TEXTS or characters >= _ROUND_CHARACTERS:
            yield items
            items, characters = [], 0
    if items:
        yield items


def _checked_text(text: Any) -> str | tuple[str, ...]:
    """Accept a string, or words."""
    if isinstance(text, str):
        return text
    if isinstance(text, (bytes, bytearray)) or not isinstance(text, Iterable):
        hint = ": decode it first" if isinstance(text, (bytes, bytearray)) else ""
        msg = f"Expected a text or a list of words, found {type(text).__name__}{hint}."
        raise TypeError(msg)
    words = tuple(text)
    for index, word in enumerate(words):
        if not isinstance(word, str):
            msg = f"Expected a list of words, found {type(word).__name__} at position {index}."
            raise TypeError(msg)
    return words


def _strategy(name: str) -> str:
    if name not in STRATEGIES:
        msg = f"Unknown aggregation {name!r}: expected one of {', '.join(STRATEGIES)}."
        raise ValueError(msg)
    return name


def _model_path(path: Path) -> Path:
    """Resolve a folder to the one model in it."""
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.xml"))
    if len(found) == 1:
        return found[0]
    msg = f"{path}: expected one .xml file in this folder, found {len(found)}."
    raise FileNotFoundError(msg)


def _rt_info(model: ov.Model) -> dict[str, str]:
    """Read the section ``model_info`` of an IR; empty where there is none."""
    if not model.has_rt_info([_RT_INFO]):
        return {}
    section = model.get_rt_info([_RT_INFO]).value
    return {key: str(value) for key, value in section.items()} if isinstance(section, dict) else {}


def _tokenizer_beside(path: Path) -> Path:
    """Find the tokenizer that lies beside a model."""
    for name in ("tokenizer.json", "vocab.txt"):
        if (path.parent / name).is_file():
            return path.parent / name
    msg = (
        f"{path.parent}: no tokenizer.json or vocab.txt beside {path.name}. Pass tokenizer='<path of a "
        "tokenizer.json or vocab.txt>'."
    )
    raise FileNotFoundError(msg)


def _checked_labels(
    labels: Sequence[str] | None, info: dict[str, str], count: int, path: Path
) -> tuple[str, ...]:
    """Take the labels given or those of rt_info, and compare their number with the output of the model."""
    if labels is None:
        if not info.get("labels"):
            msg = (
                f"{path}: this model does not name its labels (no labels in the rt_info section {_RT_INFO}). "
                "Pass labels=['O', 'B-PER', ...], one for each output in the order of their ids"
                + (f"; the model has {count}." if count else ".")
            )
            raise ValueError(msg)
        labels = info["labels"].split()
        source = f"rt_info {_RT_INFO}/labels"
    else:
        source = "labels="
    if count and len(labels) != count:
        msg = (
            f"{path}: {source} names {len(labels)} labels, but the model gives {count} scores for each piece."
        )
        raise ValueError(msg)
    return tuple(labels)
