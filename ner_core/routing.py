"""A recognizer that takes one model for English and another for other languages, part by part of a text.

``text -> parts by language -> the recognizer of each -> entities in the order of the text``

Each model sees its parts of many texts in one stream, so batches stay full. Results come in the order of the
texts: while a text waits for the other model, at most one more round of texts is read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, tee
from typing import TYPE_CHECKING, Any

from ner_core.aggregation import checked_aggregation
from ner_core.entity import Answered, Entity, joined
from ner_core.language import LanguagePart, are_english, is_english, language_parts
from ner_core.pipeline import (
    ROUND_CHARACTERS,
    ROUND_TEXTS,
    check_several,
    checked_text,
    until_failure,
    with_segments,
)
from ner_core.recognizer import EntityRecognizer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Recognition

__all__ = ["LanguageRecognizer"]


class LanguageRecognizer(EntityRecognizer):
    """Text in, entities out, by the model that knows the language; used as `EntityRecognizer` is.

    What does not depend on the text (device, precision, arithmetic, tokenizer) is that of the model for
    English; every result tells the model, device and precision that really answered, and which part of the
    text each model had.

    Parameters
    ----------
    load : callable
        Returns the recognizer for English (called with True) or for other languages (with False); called for
        each use, so it has to keep what it loaded. The second is asked for when a text needs it.
    missing : str
        Where there is no model for other languages: the sentence that such texts get as a note, while the
        model for English answers them.
    name : str
        What the choice is called.
    """

    def __init__(
        self, load: Callable[[bool], EntityRecognizer], *, missing: str = "", name: str = "auto"
    ) -> None:
        english = load(True)
        self._load = load
        self._missing = missing
        self._missed = False
        self._other_labels: list[str] = []
        self._other_notes: tuple[str, ...] = ()
        self.name = name
        self.tokenizer = english.tokenizer
        self.tags = english.tags
        self.max_length = english.max_length
        self.precision = english.precision
        self.model_info = english.model_info
        self.aggregation = english.aggregation
        self.threshold = english.threshold
        self.raw_scores = english.raw_scores

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle how models are loaded: they are loaded anew where it arrives."""
        return _made, (self._load, self._missing, self.name)

    @property
    def device(self) -> str:
        """The device that really runs the model for English."""
        return self._load(True).device

    @property
    def compute(self) -> str:
        """What the model for English is computed in, see `ner_core.compute`."""
        return self._load(True).compute

    @property
    def default_threshold(self) -> float:
        """The lowest score that the model for English reports where a call names none."""
        return self._load(True).default_threshold

    def likely(self, found: Recognition, *, aggregation: str | None = None) -> Recognition:
        """Return a result of ``threshold=0`` as a call without a threshold gives it."""
        name = self._load(True).name
        kept: list[Entity] = []
        waiting = deque(found.entities)
        for part in found.parts:
            own: list[Entity] = []
            while waiting and waiting[0].start < part.end:
                own.append(waiting.popleft())
            model = self._load(part.model == name)
            kept += model.likely(replace(found, entities=tuple(own)), aggregation=aggregation).entities
        return replace(found, entities=tuple(kept))

    @property
    def labels(self) -> list[str]:
        """Entity types of the model for English, then those of the other one alone, once it is loaded."""
        return list(dict.fromkeys((*self._load(True).labels, *self._other_labels)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, of the models that were used so far."""
        missed = (self._missing,) if self._missed else ()
        return tuple(dict.fromkeys((*self._load(True).notes, *self._other_notes, *missed)))

    def _model(self, english: bool) -> EntityRecognizer:
        found = self._load(english)
        if not english:
            self._other_labels, self._other_notes = found.labels, found.notes
        return found

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
        """Recognize the entities of endlessly many texts in bounded memory, in order.

        Parameters, results and errors are those of `EntityRecognizer.stream`. Words that were given are one
        part. An aggregation that is not given is the own one of each model.
        """
        checked_aggregation(aggregation or self.aggregation)
        check_several(texts)
        options = {
            "aggregation": aggregation,
            "threshold": threshold,
            "labels": labels,
            "raw_scores": raw_scores,
            "look_ahead": look_ahead,
            "progress": progress,
        }
        pairs = with_segments(texts, segments)
        return self._in_rounds((self._divided(text, given) for text, given in pairs), options)

    def document(
        self, texts: Iterable[str], *, look_ahead: int = ROUND_CHARACTERS, **options: Any
    ) -> Iterator[Recognition]:
        """Recognize the paragraphs and cells of one document, in order; options as for `stream`.

        One that shows no language goes with those around it.
        """
        texts = list(texts)
        items = (
            self._divided(text, None, english)
            for text, english in zip(texts, are_english(texts), strict=True)
        )
        return self._in_rounds(items, {"look_ahead": look_ahead, **options})

    def _in_rounds(self, items: Iterator[_Item], options: dict[str, Any]) -> Iterator[Recognition]:
        failures: list[Exception] = []
        items = until_failure(items, failures)
        for first in items:
            yield from self._round(first, items, options)
        for failure in failures:
            raise failure

    def _divided(
        self,
        given: str | Sequence[str],
        segments: Sequence[tuple[int, int]] | None,
        english: bool | None = None,
    ) -> _Item:
        """Divide a text by language; where it is of one language alone, that may be known already."""
        text = checked_text(given)
        if isinstance(text, str):
            parts = language_parts(text, segments)
        else:
            whole = " ".join(text)
            parts = [LanguagePart(0, len(whole), is_english(whole), segments)]
        if english is not None and len(parts) == 1:
            parts = [parts[0]._replace(english=english)]
        if self._missing and not all(part.english for part in parts):
            self._missed = True
            return _Item(text, [_Part(LanguagePart(0, parts[-1].end, True, segments), text)], self._missing)
        if len(parts) == 1:
            return _Item(text, [_Part(parts[0], text)])
        return _Item(text, [_Part(part, text[part.start : part.end]) for part in parts])

    def _round(self, first: _Item, items: Iterator[_Item], options: dict[str, Any]) -> Iterator[Recognition]:
        """Answer texts up to a round after the first part that is not in the language of the first one."""
        leading = first.parts[0].place.english
        waiting: deque[_Item] = deque()
        asked: deque[_Part] = deque()
        others: deque[_Part] = deque()

        def parts() -> Iterator[_Part]:
            texts = characters = 0
            for item in chain((first,), items):
                waiting.append(item)
                for part in item.parts:
                    if part.place.english == leading:
                        asked.append(part)
                        yield part
                    else:
                        others.append(part)
                if others:
                    texts += 1
                    characters += item.parts[-1].place.end
                    if texts >= ROUND_TEXTS or characters >= options["look_ahead"]:
                        return

        for _ in self._answer(leading, parts(), asked, options):
            yield from _finished(waiting)
        if others:
            for _ in self._answer(not leading, iter(tuple(others)), others, options):
                yield from _finished(waiting)

    def _answer(
        self, english: bool, parts: Iterator[_Part], asked: deque[_Part], options: dict[str, Any]
    ) -> Iterator[None]:
        """Send parts to their model; after each step, one more of those asked has its answer."""
        texts, segments = tee(parts)
        results = self._model(english).stream(
            (part.text for part in texts), segments=(part.place.segments for part in segments), **options
        )
        for found in results:
            asked.popleft().found = found
            yield

    def tag_pieces(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[list[str]]]:
        """Tag every piece of every word, each sentence by the model of its language.

        As `EntityRecognizer.tag_pieces`. The pieces are those of that model.
        """
        for english, group in groupby(
            sentences, lambda words: bool(self._missing) or is_english(" ".join(words))
        ):
            yield from self._model(english).tag_pieces(group)


@dataclass(slots=True, eq=False)
class _Part:
    """A part of a text, in one language, and what was recognized in it."""

    place: LanguagePart
    text: str | Sequence[str]
    found: Recognition | None = None


@dataclass(slots=True, eq=False)
class _Item:
    """A text on its way, and the note that it gets."""

    text: str | Sequence[str]
    parts: list[_Part] = field(default_factory=list)
    note: str = ""


def _finished(waiting: deque[_Item]) -> Iterator[Recognition]:
    """Yield the texts at the front whose parts are all answered."""
    while waiting:
        found = [part.found for part in waiting[0].parts if part.found is not None]
        if len(found) < len(waiting[0].parts):
            return
        yield _whole(waiting.popleft(), found)


def _whole(item: _Item, found: Sequence[Recognition]) -> Recognition:
    """Join the answers for the parts of a text."""
    places = [part.place for part in item.parts]
    told = [
        (place.start, replace(one, parts=(Answered(0, place.end - place.start, one.model),)))
        for place, one in zip(places, found, strict=True)
    ]
    whole = told[0][1] if len(told) == 1 else joined("".join(one.text for one in found), told)
    return replace(whole, notes=(*whole.notes, item.note)) if item.note else whole


def _made(load: Callable[[bool], EntityRecognizer], missing: str, name: str) -> LanguageRecognizer:
    return LanguageRecognizer(load, missing=missing, name=name)
