"""Text with its names marked, as HTML for the page: white space kept, everything escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from ner_app.kinds import kinds

if TYPE_CHECKING:
    from collections.abc import Collection

    from ner_core import Recognition

__all__ = ["marked"]


def marked(found: Recognition, differing: Collection[tuple[int, int]] = ()) -> str:
    """Return the text with its names marked.

    Parameters
    ----------
    found : Recognition
        A text and its entities.
    differing : collection of (int, int)
        Start and end of the entities to be marked as different.

    Returns
    -------
    str
        HTML; without its tags it is the text.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("<Mary>", (Entity(1, 5, "PER", 0.5, "Mary"),))
    >>> marked(found).partition("PER 0.500")[2]
    '">Mary</mark>&gt;</div>'
    """
    known = {kind.label: kind for kind in kinds(sorted({entity.label for entity in found.entities}))}
    parts: list[str] = []
    position = 0
    for entity in found.entities:
        kind, label = known[entity.label], html.escape(entity.label)
        differs = " differs" if (entity.start, entity.end) in differing else ""
        parts += [
            html.escape(found.text[position : entity.start]),
            f'<mark class="line-{kind.line}{differs}" style="--label-color:{kind.color}" '
            f'data-label="{label}" title="{label} {entity.score:.3f}">{html.escape(entity.text)}</mark>',
        ]
        position = entity.end
    parts.append(html.escape(found.text[position:]))
    # A long text scrolls, and what scrolls must be within reach of the keyboard.
    opening = (
        '<div class="marked" dir="auto" tabindex="0" role="group" aria-label="Text with its names marked">'
    )
    return f"{opening}{''.join(parts)}</div>"
