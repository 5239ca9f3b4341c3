"""A lesson from a visitor's corrections: passages that the model gets wrong, and those it gets right.

A passage is a separate context of the model: a paragraph, a heading, a cell. Passages that the visitor left
as they were, and the page's own examples as the model reads them, are replayed so that old knowledge stays. A
fifth of both is held out, to measure the lesson.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner_core import Entity, Recognition
from ner_core.corpus import Sentence
from ner_core.evaluation import evaluate_recognizer
from ner_core.labels import entity_types
from ner_core.rendering import to_conll
from ner_core.segments import find_segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ner_core import EntityRecognizer

__all__ = ["FEWEST", "HELD_OUT", "Lesson", "LessonError", "make_lesson", "passages_so_far"]

#: Corrected passages that a lesson needs: enough to hold one out.
FEWEST = 5
#: Every fifth passage is held out.
HELD_OUT = 5


class LessonError(ValueError):
    """No lesson can be made of the corrections; the message is for the visitor."""


@dataclass
class Lesson:
    """Passages in words and tags.

    Attributes
    ----------
    types : list of str
        Labels of the model.
    corrected, kept : list of Sentence
        To learn from: what the model gets wrong, and what it gets right.
    held_corrected, held_kept : list of Sentence
        To measure on.
    """

    types: list[str]
    corrected: list[Sentence]
    kept: list[Sentence]
    held_corrected: list[Sentence]
    held_kept: list[Sentence]

    def write(self, folder: Path) -> None:
        """Write what is learned from as CoNLL files, for the fine-tuner."""
        for name, sentences in (("corrected", self.corrected), ("kept", self.kept)):
            lines = ("".join(f"{word}\t{tag}\n" for word, tag in zip(*one, strict=True)) for one in sentences)
            (folder / f"{name}.conll").write_text("\n".join(lines), encoding="utf-8")

    def score(self, ner: EntityRecognizer) -> tuple[float, float]:
        """Return the micro F1 on the corrections and on the passages left as they were that are held out."""
        corrected, kept = (
            evaluate_recognizer(ner, held).micro_f1 for held in (self.held_corrected, self.held_kept)
        )
        return corrected, kept


def make_lesson(ner: EntityRecognizer, texts: Sequence[Recognition], examples: Sequence[str]) -> Lesson:
    """Sort the passages of corrected texts by whether the model gets them right.

    Parameters
    ----------
    ner : EntityRecognizer
        The model that is to learn.
    texts : sequence of Recognition
        Texts with the names that the visitor says are right.
    examples : sequence of str
        Texts whose names are those that the model finds.

    Returns
    -------
    Lesson

    Raises
    ------
    LessonError
        There are too few corrections, or they are of other labels than the model's.
    """
    types = entity_types(ner.tags)
    wrong, right = _sorted(ner, texts, types)
    for passage in (passage for text in examples for passage in _passages(ner(text))):
        for sentence in _sentences(passage):
            if tuple(sentence.words) not in wrong:
                right.setdefault(tuple(sentence.words), sentence)
    if len(wrong) < FEWEST:
        msg = (
            f"{len(wrong)} of the {FEWEST} corrected passages that a lesson needs. "
            "Correct more texts and add them."
        )
        raise LessonError(msg)
    corrected, held_corrected = _divided(list(wrong.values()))
    kept, held_kept = _divided(list(right.values()))
    return Lesson(types, corrected, kept, held_corrected, held_kept)


def passages_so_far(ner: EntityRecognizer, texts: Sequence[Recognition]) -> tuple[int, int]:
    """Count the passages of corrected texts that the model gets wrong, and those that it gets right.

    Raises
    ------
    LessonError
        The corrections are of other labels than the model's.
    """
    wrong, right = _sorted(ner, texts, entity_types(ner.tags))
    return len(wrong), len(right)


def _sorted(
    ner: EntityRecognizer, texts: Sequence[Recognition], types: Sequence[str]
) -> tuple[dict[tuple[str, ...], Sentence], dict[tuple[str, ...], Sentence]]:
    """Return the passages that the model gets wrong and those that it gets right, by their words."""
    foreign = {entity.label for text in texts for entity in text.entities} - set(types)
    if foreign:
        msg = (
            f"The corrections have labels that this model does not have ({', '.join(sorted(foreign))}): they "
            f"are of another model or aggregation. Choose that model, or forget the corrections."
        )
        raise LessonError(msg)
    wrong: dict[tuple[str, ...], Sentence] = {}
    right: dict[tuple[str, ...], Sentence] = {}
    given = [passage for text in texts for passage in _passages(text)]
    for passage, found in zip(given, ner.batch([passage.text for passage in given]), strict=True):
        same = _names(found) == _names(passage)
        for sentence in _sentences(passage):
            (right if same else wrong)[tuple(sentence.words)] = sentence
    return wrong, right


def _passages(found: Recognition) -> Iterator[Recognition]:
    """Yield the parts of a text that are separate contexts, with their names."""
    for start, end in find_segments(found.text):
        if found.text[start:end].strip():
            inside = tuple(
                Entity(entity.start - start, entity.end - start, entity.label, entity.score, entity.text)
                for entity in found.entities
                if start <= entity.start and entity.end <= end
            )
            yield Recognition(found.text[start:end], inside)


def _names(found: Recognition) -> list[tuple[int, int, str]]:
    return [(entity.start, entity.end, entity.label) for entity in found.entities]


def _sentences(passage: Recognition) -> Iterator[Sentence]:
    """Yield a passage in words and tags; its wrapped lines are one sentence to the model."""
    lines = [line.split("\t") for line in to_conll(passage, tabs=True).split("\n") if line]
    if lines:
        yield Sentence([word for word, _ in lines], [tag for _, tag in lines])


def _divided(sentences: list[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
    """Hold out every fifth one."""
    learned = [one for number, one in enumerate(sentences, 1) if number % HELD_OUT]
    return learned, sentences[HELD_OUT - 1 :: HELD_OUT]
