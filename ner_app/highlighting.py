"""Text with its entities marked, as HTML for the page: white space kept, everything escaped.

Gradio's own HighlightedText drops blank lines, puts gaps around entities and shows either label or score.
"""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING

from ner_core.labels import color
from ner_core.rendering import segments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ner_core import Entity, Recognition

__all__ = ["legend", "marked"]

_FEW_LABELS = 6


def marked(found: Recognition, differing: Collection[tuple[int, int, str]] = ()) -> str:
    """Return the text with its entities marked.

    Parameters
    ----------
    found : Recognition
        A text and its entities.
    differing : collection of (int, int, str)
        Start, end and label of the entities to be marked as different.

    Returns
    -------
    str
        HTML; without its tags and labels it is the text.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("<Mary>", (Entity(1, 5, "PER", 0.5, "Mary"),))
    >>> marked(found).partition(">")[2]
    '&lt;<mark style="--label-color:#99ddff" ... title="PER 0.500">Mary<b>PER</b></mark>&gt;</div>'
    """
    entities = iter(found.entities)
    parts = [
        html.escape(text) if label is None else _mark(next(entities), differing)
        for text, label in segments(found)
    ]
    # A long text scrolls, and what scrolls must be within reach of the keyboard.
    opening = (
        '<div class="marked" dir="auto" tabindex="0" role="group" aria-label="Text with its entities marked">'
    )
    return f"{opening}{''.join(parts)}</div>"


def _mark(entity: Entity, differing: Collection[tuple[int, int, str]]) -> str:
    label = html.escape(entity.label)
    differs = ' class="differs"' if (entity.start, entity.end, entity.label) in differing else ""
    return (
        f'<mark{differs} style="--label-color:{color(entity.label)}" data-start="{entity.start}" '
        f'data-end="{entity.end}" data-label="{label}" title="{label} {entity.score:.3f}">'
        f"{html.escape(entity.text)}<b>{label}</b></mark>"
    )


def legend(labels: Iterable[str], found: Recognition) -> str:
    """Return the labels in their colours, with how often each was found, as HTML.

    Of many labels, only those that were found are shown.

    Examples
    --------
    >>> from ner_core import Recognition
    >>> legend(["PER"], Recognition("Hi", ()))
    '<ul class="legend" aria-label="Labels"><li style="--label-color:#99ddff">PER 0</li></ul>'
    """
    counts = Counter(entity.label for entity in found.entities)
    known = list(labels)
    shown = known if len(known) <= _FEW_LABELS else [label for label in known if counts[label]]
    items = [
        f'<li style="--label-color:{color(label)}">{html.escape(label)} {counts[label]:,}</li>'
        for label in shown
    ]
    return f'<ul class="legend" aria-label="Labels">{"".join(items)}</ul>'
