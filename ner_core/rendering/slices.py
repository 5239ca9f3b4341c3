"""A text cut into its entities and the text between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_core.entity import Recognition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_core.entity import Entity

__all__ = ["several", "slices"]


def slices(recognition: Recognition) -> Iterator[tuple[str, Entity | None]]:
    """Yield the slices of a text, each with its entity or None."""
    position = 0
    for entity in recognition.entities:
        if entity.start > position:
            yield recognition.text[position : entity.start], None
        yield recognition.text[entity.start : entity.end], entity
        position = entity.end
    if position < len(recognition.text):
        yield recognition.text[position:], None


def several(recognitions: Recognition | Iterable[Recognition]) -> Iterable[Recognition]:
    """Accept one recognition or many."""
    return [recognitions] if isinstance(recognitions, Recognition) else recognitions
