"""The value types that all other parts use: Entity, Timings, Recognition."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Answered", "Entity", "Recognition", "Timings", "joined"]


@dataclass(frozen=True, slots=True)
class Entity:
    """A named entity: an exact slice of the text it was found in.

    Attributes
    ----------
    start, end : int
        Character offsets, end exclusive: ``text[start:end] == entity.text``.
    label : str
        Entity type such as ``PER``; the raw tag (``B-PER``) under aggregation ``none``.
    score : float
        Probability of the label, 0 to 1.
    text : str
        The slice itself.
    word_start, word_end : int or None
        Offsets in words, end exclusive; set when the input was already split into words.

    Examples
    --------
    >>> Entity(0, 4, "PER", 0.998, "Mary").to_dict()
    {'start': 0, 'end': 4, 'label': 'PER', 'score': 0.998, 'text': 'Mary'}
    """

    start: int
    end: int
    label: str
    score: float
    text: str
    word_start: int | None = None
    word_end: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; word offsets only where there are any."""
        plain: dict[str, Any] = {
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "score": self.score,
            "text": self.text,
        }
        if self.word_start is not None:
            plain |= {"word_start": self.word_start, "word_end": self.word_end}
        return plain


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent on one text; in a batch, the text's share by word pieces."""

    tokenization: float = 0.0
    inference: float = 0.0
    decoding: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the three, in milliseconds."""
        return self.tokenization + self.inference + self.decoding

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values, in milliseconds.

        Examples
        --------
        >>> Timings(1.0, 2.0, 0.5).to_dict()
        {'tokenization': 1.0, 'inference': 2.0, 'decoding': 0.5, 'total': 3.5}
        """
        return asdict(self) | {"total": self.total}


@dataclass(frozen=True, slots=True)
class Answered:
    """A part of a text, in characters, end exclusive, and the model that was chosen for it by language."""

    start: int
    end: int
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values.

        Examples
        --------
        >>> Answered(0, 12, "minilm-ner").to_dict()
        {'start': 0, 'end': 12, 'model': 'minilm-ner'}
        """
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Recognition:
    """The entities of one text, and how they were found.

    Attributes
    ----------
    text : str
        The original text; for input that was already split, the words joined by single spaces.
    entities : tuple of Entity
        Sorted by start, not overlapping.
    words : tuple of str or None
        The words, when the input was already split.
    model, device, precision : str
        Name of the model, the device that actually ran it, and the precision of the IR; the values of several
        models are joined by `` + ``.
    pieces, windows : int
        Number of word pieces (without [CLS] and [SEP]) and of windows of the text.
    timings : Timings
        Milliseconds for tokenization, inference and decoding.
    notes : tuple of str
        Messages for the user, such as a fallback to another device.
    compute : str
        Arithmetic of the device: ``f32``, ``bf16``, ``int8+bf16``, ... (see `ner_core.compute`); empty if
        unknown.
    parts : tuple of Answered
        Which model answered which part of the text, if models are chosen by language; else empty.
    """

    text: str
    entities: tuple[Entity, ...]
    words: tuple[str, ...] | None = None
    model: str = ""
    device: str = ""
    precision: str = ""
    pieces: int = 0
    windows: int = 0
    timings: Timings = field(default_factory=Timings)
    notes: tuple[str, ...] = ()
    compute: str = ""
    parts: tuple[Answered, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values.

        Examples
        --------
        >>> import json
        >>> found = Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),))
        >>> json.loads(json.dumps(found.to_dict()))["entities"][0]["text"]
        'Mary'
        """
        plain: dict[str, Any] = {
            "text": self.text,
            "entities": [entity.to_dict() for entity in self.entities],
            "model": self.model,
            "device": self.device,
            "precision": self.precision,
            "compute": self.compute,
            "pieces": self.pieces,
            "windows": self.windows,
            "timings": self.timings.to_dict(),
            "notes": list(self.notes),
        }
        if self.parts:
            plain["parts"] = [part.to_dict() for part in self.parts]
        if self.words is not None:
            plain["words"] = list(self.words)
        return plain


def joined(text: str, found: Sequence[tuple[int, Recognition]]) -> Recognition:
    """Join the results of the parts of a text, with offsets in the whole text.

    Parameters
    ----------
    text : str
        The whole text.
    found : sequence of (int, Recognition)
        Start and result of each part, in order; at least one.

    Examples
    --------
    >>> one = Recognition("Mary ", (Entity(0, 4, "PER", 1, "Mary"),), model="a")
    >>> two = Recognition("Anna", (Entity(0, 4, "PER", 1, "Anna"),), model="b")
    >>> whole = joined("Mary Anna", [(0, one), (5, two)])
    >>> whole.model, whole.entities[1].start
    ('a + b', 5)
    """
    if len(found) == 1 and not found[0][0]:
        return replace(found[0][1], text=text)
    results = [one for _, one in found]
    entities = (
        replace(entity, start=entity.start + begin, end=entity.end + begin)
        for begin, one in found
        for entity in one.entities
    )
    parts = (
        Answered(part.start + begin, part.end + begin, part.model)
        for begin, one in found
        for part in one.parts
    )
    runs = [list(run) for _, run in groupby(parts, attrgetter("model"))]
    names = (name for one in results for name in one.model.split(" + "))
    return Recognition(
        text,
        tuple(entities),
        model=_each(names),
        device=_each(one.device for one in results),
        precision=_each(one.precision for one in results),
        compute=_each(one.compute for one in results),
        pieces=sum(one.pieces for one in results),
        windows=sum(one.windows for one in results),
        timings=Timings(
            sum(one.timings.tokenization for one in results),
            sum(one.timings.inference for one in results),
            sum(one.timings.decoding for one in results),
        ),
        notes=tuple(dict.fromkeys(note for one in results for note in one.notes)),
        parts=tuple(Answered(run[0].start, run[-1].end, run[0].model) for run in runs),
    )


def _each(values: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(value for value in values if value))
