"""A replacement for transformers' ``pipeline("ner")``: same calls and dictionaries, without torch.

https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.TokenClassificationPipeline
"""

from __future__ import annotations

import functools
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Any

from tokenizers import decoders, models

import model_zoo
from ner_core.aggregation import AS_WRITTEN
from ner_core.arguments import check_path
from ner_core.recognizer import EntityRecognizer
from ner_core.routing import LanguageRecognizer
from ner_integrations.pipeline_arguments import (
    checked_batch_size,
    checked_labels,
    checked_strategy,
    checked_stride,
    checked_text,
    openvino_device,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from ner_core.entity import Entity, Recognition
    from ner_core.tokenizer import Encoding

__all__ = ["TokenClassification", "pipeline"]

_TASKS = ("ner", "token-classification")

# Texts that are read ahead from an iterator.
_AHEAD = 64

# Arguments of transformers that have no meaning here.
_WITHOUT_MEANING = frozenset(
    {"framework", "use_fast", "trust_remote_code", "dtype", "torch_dtype", "num_workers"}
    | {"token", "use_auth_token", "device_map", "model_kwargs", "feature_extractor"}
)


def pipeline(
    task: str | None = "ner",
    model: str | Path | EntityRecognizer = "minilm-ner",
    *,
    device: str | int | None = None,
    revision: str | None = None,
    tokenizer: str | Path | None = None,
    aggregation_strategy: str = "none",
    ignore_labels: Collection[str] = ("O",),
    stride: int | None = None,
    batch_size: int | None = None,
    **options: Any,
) -> TokenClassification:
    """Return an object that is called like transformers' pipeline.

    Parameters
    ----------
    task : str, optional
        ``ner`` or ``token-classification``, which are synonyms.
    model : str, Path or EntityRecognizer
        What `model_zoo.load` takes: a name of the zoo or the hub, an ``.xml``, a folder; or a recognizer.
    device : str or int, optional
        An OpenVINO device, by default AUTO; as in transformers, -1 and ``cpu`` are the CPU, and a number is a
        GPU.
    revision : str, optional
        Revision of a model of the hub.
    tokenizer : str or Path, optional
        A tokenizer.json or vocab.txt to use instead of the model's own; the name of the model is accepted
        too.
    aggregation_strategy, ignore_labels, stride, batch_size : optional
        Defaults of `TokenClassification.__call__`.
    **options
        Passed on to `model_zoo.load`, such as ``precision`` or ``compute``. ``grouped_entities=True``, of
        older versions of transformers, selects the strategy ``simple``. ``framework``, ``use_fast``,
        ``trust_remote_code``, ``dtype``, ``torch_dtype``, ``num_workers``, ``token``, ``use_auth_token``,
        ``device_map``, ``model_kwargs`` and ``feature_extractor`` are accepted and ignored. Windows are as
        long as the model allows, as in transformers; ``window=126`` finds more in long texts.

    Raises
    ------
    ValueError
        If the task or an option is wrong.
    ModelNotFoundError
        If the model is not installed; the message contains the commands that install it.
    """
    if task is not None and task not in _TASKS:
        msg = f"Unknown task {task!r}: expected {' or '.join(_TASKS)}."
        raise ValueError(msg)
    options = {name: value for name, value in options.items() if name not in _WITHOUT_MEANING}
    if options.pop("grouped_entities", False) and aggregation_strategy == "none":
        aggregation_strategy = "simple"
    if tokenizer is not None and str(tokenizer) != str(model):
        check_path("tokenizer", tokenizer, "the path of a tokenizer.json")
        options["tokenizer"] = tokenizer
    if not isinstance(model, EntityRecognizer):
        check_path("model", model, "the name or path of a model")
        name = model if revision is None else f"{model}@{revision}"
        given: dict[str, Any] = {"window": sys.maxsize, "device": openvino_device(device)} | options
        load = functools.partial(model_zoo.load, name, **given)
    elif options or device is not None or revision is not None:
        msg = "device, revision and options cannot be combined with a recognizer, which is loaded already."
        raise ValueError(msg)
    else:
        load = functools.partial(_loaded, model)
    return TokenClassification(load, aggregation_strategy, ignore_labels, stride, batch_size)


def _loaded(recognizer: EntityRecognizer, overlap: int | None) -> EntityRecognizer:
    if overlap is not None:
        msg = "stride: cannot be combined with a recognizer; give the name of the model instead."
        raise ValueError(msg)
    return recognizer


class TokenClassification:
    """The object that `pipeline` returns.

    Results equal those of transformers' pipeline with the same model, except that long texts are not
    truncated, and for the differences listed in `ner_core.decoding`. Scores are Python floats.

    Parameters
    ----------
    load : callable
        Loads a recognizer whose windows overlap by ``overlap`` word pieces; None for the default.
    aggregation_strategy, ignore_labels, stride, batch_size
        Defaults of `__call__`.

    Attributes
    ----------
    task : str
        ``token-classification``.
    recognizer : EntityRecognizer
        The recognizer with the default stride.
    """

    task = "token-classification"

    def __init__(
        self,
        load: Callable[..., EntityRecognizer],
        aggregation_strategy: str = "none",
        ignore_labels: Collection[str] = ("O",),
        stride: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self._load = load
        self._strategy = checked_strategy(aggregation_strategy)
        self._ignored = checked_labels(ignore_labels)
        self._batch_size = checked_batch_size(batch_size)
        self._recognizers: dict[int | None, EntityRecognizer] = {}
        self.recognizer = self._with_stride(None)
        self._stride = checked_stride(stride, self._strategy, self.recognizer)
        self.recognizer = self._with_stride(self._stride)

    def __call__(
        self,
        inputs: str | Sequence[str] | Iterable[str] | Sequence[Sequence[str]],
        *,
        aggregation_strategy: str | None = None,
        ignore_labels: Collection[str] | None = None,
        stride: int | None = None,
        batch_size: int | None = None,
        is_split_into_words: bool = False,
        delimiter: str = " ",
        num_workers: int | None = None,  # noqa: ARG002 - part of transformers' interface
    ) -> Any:
        """Classify the word pieces of one or several texts, or find their entities.

        Parameters
        ----------
        inputs : str, list of str, or iterable of str
            A text, a list of texts, or an iterator, which returns an iterator of results. With
            `is_split_into_words`, the words of one text, or a list of such lists.
        aggregation_strategy : str, optional
            ``none``, ``simple``, ``first``, ``average``, ``max``; or this project's ``word`` and
            ``whitespace``, whose scores are probabilities that the whole entity is right.
        ignore_labels : collection of str, optional
            Labels to ignore: tags with ``none``, entity types otherwise; ``O`` is always ignored.
        stride : int, optional
            Overlap of neighbouring windows of a long text, in word pieces; by default 15.
        batch_size : int, optional
            Texts that are read ahead from an iterator; 64 by default. Texts of similar length are batched
            independently of it.
        is_split_into_words : bool
            Whether the inputs are words.
        delimiter : str
            Separator of words; it only affects offsets.
        num_workers : int, optional
            Accepted and ignored.

        Returns
        -------
        list of dict, list of list of dict, or iterator of list of dict
            With ``none``, a dictionary per word piece with ``entity``, ``score``, ``index``, ``word``,
            ``start``, ``end``; otherwise, a dictionary per entity with ``entity_group``, ``score``, ``word``,
            ``start``, ``end``. With the model ``auto``, which has two tokenizers, ``word`` is as in the text,
            and ``index`` only says which pieces are neighbours.

        Raises
        ------
        TypeError
            If the inputs have another type.
        ValueError
            If an option is wrong.
        """
        strategy = self._strategy if aggregation_strategy is None else checked_strategy(aggregation_strategy)
        ignored = self._ignored if ignore_labels is None else checked_labels(ignore_labels)
        stride = self._stride if stride is None else stride
        recognizer = self._with_stride(checked_stride(stride, strategy, self.recognizer))
        ahead = checked_batch_size(batch_size) or self._batch_size or _AHEAD

        def answers(texts: Sequence[Any]) -> list[list[dict[str, Any]]]:
            joined = [" ".join(words) for words in texts] if is_split_into_words else texts
            found = recognizer.batch(joined, aggregation=strategy)
            one_tokenizer = strategy not in AS_WRITTEN and not isinstance(recognizer, LanguageRecognizer)
            encodings = recognizer.tokenizer.encode_all(joined) if one_tokenizer else [None] * len(found)
            results = [
                [entry for entry in self._entries(one, encoding, strategy) if _label(entry) not in ignored]
                for one, encoding in zip(found, encodings, strict=True)
            ]
            if is_split_into_words and delimiter != " ":
                for words, entries in zip(texts, results, strict=True):
                    _move(entries, words, len(delimiter) - 1)
            return results

        if isinstance(inputs, str):
            if is_split_into_words:
                msg = "With is_split_into_words=True inputs are words, or lists of words; found one text."
                raise TypeError(msg)
            return answers([inputs])[0]
        if is_split_into_words:
            several = [list(words) if not isinstance(words, str) else words for words in inputs]
            return answers([several] if all(isinstance(word, str) for word in several) else several)
        if isinstance(inputs, (list, tuple)):
            for text in inputs:
                checked_text(text)
            return answers(inputs)
        # transformers' KeyDataset has items, and no __iter__
        drawable = isinstance(inputs, Iterable) or hasattr(type(inputs), "__getitem__")
        if drawable and not isinstance(inputs, (bytes, dict)):
            texts = map(checked_text, iter(inputs))
            return chain.from_iterable(map(answers, iter(lambda: list(islice(texts, ahead)), [])))
        msg = f"Expected a text, a list of texts or an iterator of texts, found {type(inputs).__name__}."
        raise TypeError(msg)

    def __repr__(self) -> str:
        return f"<TokenClassification of {self.recognizer!r}>"

    def _with_stride(self, stride: int | None) -> EntityRecognizer:
        """Return the recognizer for a stride; all of them share the compiled model."""
        if stride not in self._recognizers:
            self._recognizers[stride] = self._load(overlap=stride)
        return self._recognizers[stride]

    def _entries(
        self, found: Recognition, encoding: Encoding | None, strategy: str
    ) -> Iterator[dict[str, Any]]:
        if encoding is None:
            index = end = 0
            for entity in found.entities:
                index += 2 if found.text[end : entity.start].strip() else 1
                end = entity.end
                yield _entry(entity, entity.text, index if strategy == "none" else None)
            return
        starts, ends = encoding.offsets.T
        first = 0
        for entity in found.entities:
            while first < len(encoding) and (ends[first] <= entity.start or ends[first] == starts[first]):
                first += 1
            last = first + 1
            if strategy == "none":
                word = self._pieces(encoding, first, last)[0]
                index = first + len(self.recognizer.tokenizer.prefix)
                yield _entry(entity, word, index)
            else:
                while (
                    last < len(encoding)
                    and starts[last] < entity.end
                    and _ends_within(encoding, last, entity)
                ):
                    last += 1
                yield _entry(entity, self._joined(self._pieces(encoding, first, last)))
            first = last

    def _pieces(self, encoding: Encoding, first: int, last: int) -> list[str]:
        """Return word pieces as in the vocabulary, unknown ones as in the text."""
        tokenizer = self.recognizer.tokenizer
        return [
            encoding.text[slice(*encoding.offsets[index])]
            if encoding.ids[index] == tokenizer.unknown_id
            else str(tokenizer.backend.id_to_token(int(encoding.ids[index])))
            for index in range(first, last)
        ]

    def _joined(self, pieces: list[str]) -> str:
        backend = self.recognizer.tokenizer.backend
        decoder = backend.decoder
        if decoder is None and (prefix := getattr(backend.model, "continuing_subword_prefix", None)):
            decoder = decoders.WordPiece(prefix)
        elif decoder is None and isinstance(backend.model, models.Unigram):
            decoder = decoders.Metaspace()
        return " ".join(pieces) if decoder is None else str(decoder.decode(pieces))


def _entry(entity: Entity, word: str, index: int | None = None) -> dict[str, Any]:
    """Return an entity, or a word piece if it has an index, as transformers does."""
    place = {"word": word, "start": entity.start, "end": entity.end}
    if index is None:
        return {"entity_group": entity.label, "score": entity.score, **place}
    return {"entity": entity.label, "score": entity.score, "index": index, **place}


def _ends_within(encoding: Encoding, index: int, entity: Entity) -> bool:
    """Return whether a word piece, without trailing white space, ends within an entity.

    A piece may begin in one entity and belong to the next: tokenizers attach a combining mark to the
    following letter, `ner_core.decoding` to the preceding one.
    """
    start, end = encoding.offsets[index]
    return bool(start + len(encoding.text[start:end].rstrip()) <= entity.end)


def _label(entry: dict[str, Any]) -> str:
    return str(entry["entity"] if "entity" in entry else entry["entity_group"])


def _move(entries: list[dict[str, Any]], words: Sequence[str], wider: int) -> None:
    """Adjust offsets of words joined by spaces to a delimiter that is `wider` characters longer.

    Examples
    --------
    >>> entries = [{"start": 5, "end": 16}]
    >>> _move(entries, ["from", "Santa", "Clara"], 1)
    >>> entries
    [{'start': 6, 'end': 18}]
    """
    starts = list(accumulate((len(word) + 1 for word in words), initial=0))[:-1]
    for entry in entries:
        entry["start"] += wider * (bisect_right(starts, entry["start"]) - 1)
        entry["end"] += wider * (bisect_right(starts, entry["end"] - 1) - 1)
