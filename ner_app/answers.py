"""An answer on its way between the server and the browser: compact JSON, checked when it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ner_app.kinds import kinds
from ner_core import Entity, Recognition
from ner_core.entity import Answered
from ner_core.labels import type_of
from ner_core.rendering import encodable
from ner_documents.groups import group_names

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AnswerError", "answer", "group_list", "recognition_of"]


class AnswerError(ValueError):
    """The browser sent a malformed answer; the message names the wrong part."""


_MOST_LABELS = 1_000
_ABOUT = ("model", "device", "precision", "compute", "pieces", "windows")


def answer(found: Recognition, labels: Sequence[str], unlikely: Sequence[Entity] = ()) -> dict[str, Any]:
    """Return what the browser needs to show a recognition, without the text, which it has.

    Parameters
    ----------
    found : Recognition
        A text and its entities.
    labels : sequence of str
        Labels of the model; under aggregation ``none`` those that were found replace them.
    unlikely : sequence of Entity
        Entities that are not shown but are redacted; returned like ``entities``.

    Returns
    -------
    dict
        ``kinds``: label, words, colour and line of each label. ``entities``: start and end in Unicode
        characters, number of the kind, score. ``groups``: see `group_list`. ``about``: what ran, and how
        long. ``notes``: what the visitor should know.

    Examples
    --------
    >>> found = Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),))
    >>> answer(found, ["PER"])["entities"]
    [[0, 4, 0, 0.5]]
    """
    present = {entity.label for entity in (*found.entities, *unlikely)}
    known = list(labels) if present <= set(labels) else sorted(present)

    def plain(entities: Sequence[Entity]) -> list[list[Any]]:
        return [[one.start, one.end, known.index(one.label), round(one.score, 4)] for one in entities]

    return {
        "kinds": [kind._asdict() for kind in kinds(known)],
        "entities": plain(found.entities),
        "unlikely": plain(unlikely),
        "groups": group_list(found, known),
        "about": {name: getattr(found, name) for name in _ABOUT}
        | found.timings.to_dict()
        | {"parts": [[part.start, part.end, part.model] for part in found.parts]},
        "notes": list(found.notes),
    }


def group_list(found: Recognition, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the groups of an answer: number of the kind, name, aliases, and its entities by their numbers.

    Of tags, which aggregation ``none`` has for labels, the first one of a type stands for the type.

    Examples
    --------
    >>> found = Recognition("Mary, Mary", (Entity(0, 4, "PER", 1, "Mary"), Entity(6, 10, "PER", 1, "Mary")))
    >>> group_list(found, ["PER"])
    [{'kind': 0, 'name': 'Mary', 'aliases': [], 'mentions': [0, 1]}]
    """
    numbers = {entity.start: index for index, entity in enumerate(found.entities)}
    types = [type_of(label) for label in labels]
    return [
        {
            "kind": types.index(group.label),
            "name": encodable(group.name),
            "aliases": [encodable(alias) for alias in group.aliases],
            "mentions": [numbers[start] for start, _ in group.mentions],
        }
        for group in group_names(found)
    ]


def recognition_of(sent: Any, *, most_characters: int) -> tuple[Recognition, list[str]]:
    """Read an answer that the browser sends back, perhaps with corrections.

    Parameters
    ----------
    sent : any
        The answer as sent: ``text``, ``labels``, ``entities`` as in `answer`, ``about``.
    most_characters : int
        Longest text that is taken.

    Returns
    -------
    (Recognition, list of str)
        The recognition, and the labels that its entities may have.

    Raises
    ------
    AnswerError
        It is malformed.

    Examples
    --------
    >>> found, _ = recognition_of(
    ...     {"text": "Mary", "labels": ["PER"], "entities": [[0, 4, 0, 1]]}, most_characters=9
    ... )
    >>> found.entities[0].text
    'Mary'
    """
    if not isinstance(sent, dict) or not isinstance(text := sent.get("text"), str):
        msg = "Expected an answer with its text."
        raise AnswerError(msg)
    if len(text) > most_characters:
        msg = f"This text has {len(text):,} characters; this page takes {most_characters:,} at once."
        raise AnswerError(msg)
    labels = sent.get("labels")
    if not isinstance(labels, list) or len(labels) > _MOST_LABELS or not all(map(_is_label, labels)):
        msg = f"Expected the labels: up to {_MOST_LABELS:,} labels of up to 100 characters that can be seen."
        raise AnswerError(msg)
    if not isinstance(listed := sent.get("entities"), list):
        msg = "Expected the entities as a list."
        raise AnswerError(msg)
    entities = []
    end = 0
    for number, values in enumerate(listed):
        entity = _entity(values, text, labels)
        if entity is None or entity.start < end:
            msg = f"Entity {number} is not in order, or not inside the text of {len(text):,} characters."
            raise AnswerError(msg)
        end = entity.end
        entities.append(entity)
    about = sent.get("about")
    said = about if isinstance(about, dict) else {}
    model, device, precision = (str(said.get(name, ""))[:200] for name in ("model", "device", "precision"))
    parts = _parts(said.get("parts"), len(text))
    found = Recognition(text, tuple(entities), model=model, device=device, precision=precision, parts=parts)
    return found, labels


def _is_label(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()


def _parts(sent: Any, length: int) -> tuple[Answered, ...]:
    """Read which model answered which part; empty if malformed."""
    parts = []
    for values in sent if isinstance(sent, list) else ():
        if not isinstance(values, list) or len(values) != 3:
            return ()
        start, end, model = values
        if type(start) is not int or type(end) is not int or not 0 <= start <= end <= length:
            return ()
        parts.append(Answered(start, end, str(model)[:200]))
    return tuple(parts)


def _entity(values: Any, text: str, labels: Sequence[str]) -> Entity | None:
    if not isinstance(values, list) or len(values) != 4:
        return None
    *places, score = values
    if not all(type(place) is int for place in places) or type(score) not in (int, float):
        return None
    start, end, kind = places
    if not (0 <= start < end <= len(text) and 0 <= kind < len(labels) and 0 <= score <= 1):
        return None
    return Entity(start, end, labels[kind], float(score), text[start:end])
