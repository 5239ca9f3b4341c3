"""A text cut into its entities and the text between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ner_core.entity import Recognition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner_core.entity import Entity

__all__ = ["segments", "several", "slices"]


def segments(recognition: Recognition) -> list[tuple[str, str | None]]:
    """Cut a text into its entities and the text between them.

    Returns
    -------
    list of (str, str or None)
        Text and label; none of the texts is empty, and joined they are the original text. This is the value
        of Gradio's HighlightedText.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> segments(Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),)))
    [('Mary', 'PER'), (' sings.', None)]
    """
    return [(text, None if entity is None else entity.label) for text, entity in slices(recognition)]


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
