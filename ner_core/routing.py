"""A recognizer with one model for English and another for other languages, chosen for each part of a text.

``text -> parts by language -> the recognizer of each -> entities in the order of the text``

Each model gets its parts of many texts in one stream, so batches stay full. Results come in the order of the
texts: while a text waits for the other model, at most one more round of texts is read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby, tee
from typing import TYPE_CHECKING, Any, NamedTuple

from ner_core.aggregation import checked_aggregation
from ner_core.entity import Answered, Entity, joined
from ner_core.language import LanguagePart, are_english, is_english, language_parts, main_script
from ner_core.recognizer import EntityRecognizer
from ner_core.rounds import ROUND_CHARACTERS, ROUND_TEXTS
from ner_core.texts import check_several, checked_text, until_failure, with_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ner_core.entity import Recognition

__all__ = ["LanguageRecognizer"]


class LanguageRecognizer(EntityRecognizer):
    """An `EntityRecognizer` that chooses the model by language.

    Properties that do not depend on a text (device, precision, arithmetic, tokenizer) are those of the model
    for English; every result names the model, device and precision that produced it, and which model answered
    which part of the text.

    Parameters
    ----------
    load : callable
        Returns the recognizer for English (called with True) or for other languages (with False). It is
        called for each use, so it must cache. The second model is requested when a text first needs it.
    missing : str
        Note for texts in other languages if there is no model for them; the model for English answers them.
    scripts : collection of str
        Scripts that the models were trained on, see `ner_core.language.main_script`; texts in others get a
        note. Any script if empty.
    name : str
        Name of this recognizer.
    """

    def __init__(
        self,
        load: Callable[[bool], EntityRecognizer],
        *,
        missing: str = "",
        scripts: Collection[str] = (),
        name: str = "auto",
    ) -> None:
        english = load(True)
        self._load = load
        self._missing = missing
        self._scripts = frozenset(scripts)
        self._given_notes: dict[str, None] = {}
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
        """Pickle the loader: models are loaded again when unpickled."""
        made = partial(type(self), self._load, missing=self._missing, scripts=self._scripts, name=self.name)
        return made, ()

    @property
    def device(self) -> str:
        """The device that actually runs the model for English."""
        return self._load(True).device

    @property
    def compute(self) -> str:
        """The arithmetic of the model for English, see `ner_core.compute`."""
        return self._load(True).compute

    @property
    def default_threshold(self) -> float:
        """The lowest score that the model for English reports in a call without a threshold."""
        return self._load(True).default_threshold

    def likely(self, found: Recognition, *, aggregation: str | None = None) -> Recognition:
        """Reduce a result of ``threshold=0`` to what a call without a threshold returns."""
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
        """Entity types of the model for English, then further ones of the other model once it is loaded."""
        return list(dict.fromkeys((*self._load(True).labels, *self._other_labels)))

    @property
    def notes(self) -> tuple[str, ...]:
        """Messages for the user, from the models used so far."""
        return tuple(dict.fromkeys((*self._load(True).notes, *self._other_notes, *self._given_notes)))

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
        """Recognize the entities of any number of texts, in order and in bounded memory.

        Parameters, results and errors are those of `EntityRecognizer.stream`. Given words are one part.
        Without an aggregation, each model uses its own default.
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

        A text that shows no language goes with its neighbours.
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
        """Divide a text by language; `english` overrides the language of a text with a single part."""
        text = checked_text(given)
        if isinstance(text, str):
            whole = text
            parts = language_parts(text, segments)
        else:
            whole = " ".join(text)
            parts = [LanguagePart(0, len(whole), is_english(whole), segments)]
        if english is not None and len(parts) == 1:
            parts = [parts[0]._replace(english=english)]
        if self._missing and not all(part.english for part in parts):
            parts, note = [LanguagePart(0, parts[-1].end, True, segments)], self._noted(self._missing)
        else:
            note = self._script_note(whole, parts)
        texts = [text] if len(parts) == 1 else [text[part.start : part.end] for part in parts]
        return _Item(list(map(_Part, parts, texts)), note)

    def _script_note(self, text: str, parts: Sequence[LanguagePart]) -> str:
        """Return the note on a script that no model was trained on, empty for other texts."""
        if not self._scripts:
            return ""
        for part in parts:
            script = "" if part.english else main_script(text, part.start, part.end)
            if script and script not in self._scripts:
                return self._noted(
                    f"This text has {script.title()} letters, which no model here was trained on: few of its "
                    "names will be found."
                )
        return ""

    def _noted(self, note: str) -> str:
        self._given_notes[note] = None
        return note

    def _round(self, first: _Item, items: Iterator[_Item], options: dict[str, Any]) -> Iterator[Recognition]:
        """Answer texts until a round after the first part in another language than that of the first text."""
        leading = first.parts[0].place.english
        waiting: deque[_Item] = deque()
        others: list[_Part] = []

        def parts() -> Iterator[_Part]:
            texts = characters = 0
            for item in chain((first,), items):
                waiting.append(item)
                for part in item.parts:
                    if part.place.english == leading:
                        yield part
                    else:
                        others.append(part)
                if others:
                    texts += 1
                    characters += item.parts[-1].place.end
                    if texts >= ROUND_TEXTS or characters >= options["look_ahead"]:
                        return

        yield from self._answer(leading, parts(), waiting, options)
        if others:
            yield from self._answer(not leading, iter(others), waiting, options)

    def _answer(
        self, english: bool, parts: Iterator[_Part], waiting: deque[_Item], options: dict[str, Any]
    ) -> Iterator[Recognition]:
        """Send parts to their model, and yield the results of texts whose parts are all answered."""
        texts, segments, asked = tee(parts, 3)
        results = self._model(english).stream(
            (part.text for part in texts), segments=(part.place.segments for part in segments), **options
        )
        for found, part in zip(results, asked, strict=False):
            part.found = found
            yield from _finished(waiting)

    def tag_pieces(self, sentences: Iterable[Sequence[str]]) -> Iterator[list[list[str]]]:
        """Tag every piece of every word, each sentence with the model of its language and its pieces.

        See `EntityRecognizer.tag_pieces`.
        """
        for english, group in groupby(
            sentences, lambda words: bool(self._missing) or is_english(" ".join(words))
        ):
            yield from self._model(english).tag_pieces(group)


@dataclass(slots=True, eq=False)
class _Part:
    """A part of a text in one language, and its result."""

    place: LanguagePart
    text: str | Sequence[str]
    found: Recognition | None = None


class _Item(NamedTuple):
    """A text in progress, and the note for its result."""

    parts: list[_Part]
    note: str


def _finished(waiting: deque[_Item]) -> Iterator[Recognition]:
    """Yield the results of texts at the front whose parts are all answered."""
    while waiting:
        found = [part.found for part in waiting[0].parts if part.found is not None]
        if len(found) < len(waiting[0].parts):
            return
        yield _whole(waiting.popleft(), found)


def _whole(item: _Item, found: Sequence[Recognition]) -> Recognition:
    """Join the results of the parts of a text."""
    places = [part.place for part in item.parts]
    told = [
        (place.start, replace(one, parts=(Answered(0, place.end - place.start, one.model),)))
        for place, one in zip(places, found, strict=True)
    ]
    whole = told[0][1] if len(told) == 1 else joined("".join(one.text for one in found), told)
    return replace(whole, notes=(*whole.notes, item.note)) if item.note else whole
