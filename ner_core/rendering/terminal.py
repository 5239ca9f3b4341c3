"""Text and entities for people at a terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ner_core.labels import colors as colors_of
from ner_core.rendering.characters import visible
from ner_core.rendering.slices import slices

if TYPE_CHECKING:
    from ner_core.entity import Recognition

__all__ = ["to_terminal"]


def to_terminal(recognition: Recognition, *, colors: bool = True) -> str:
    r"""Write the text with its entities marked, and a table of them, for a terminal.

    Control characters of the text (which could move the cursor, set the window's title or hide text) and
    marks that change the writing direction are shown as escapes such as ``\x1b``.

    Parameters
    ----------
    recognition : Recognition
        A text and its entities.
    colors : bool
        With ANSI colours (256-colour codes), else with brackets.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> found = Recognition("Mary sings.", (Entity(0, 4, "PER", 0.5, "Mary"),))
    >>> print(to_terminal(found, colors=False))
    [Mary PER] sings.
    <BLANKLINE>
    Mary  PER  0.500
    """
    fills = colors_of(entity.label for entity in recognition.entities) if colors else {}
    marked = [
        visible(text)
        if entity is None
        else _terminal_mark(visible(text), visible(entity.label), fills.get(entity.label))
        for text, entity in slices(recognition)
    ]
    lines = ["".join(marked).removesuffix("\n")]  # of a file, which ends with a line end
    if recognition.entities:
        names = [visible(" ".join(entity.text.split())) for entity in recognition.entities]
        labels = [visible(entity.label) for entity in recognition.entities]
        name_width = min(max(map(_columns, names)), 60)
        label_width = max(map(_columns, labels))
        lines.append("")
        for entity, name, label in zip(recognition.entities, names, labels, strict=True):
            lines.append(f"{_padded(name, name_width)}  {_padded(label, label_width)}  {entity.score:.3f}")
    return "\n".join(lines)


def _terminal_mark(text: str, label: str, fill: str | None) -> str:
    if fill is None:
        return f"[{text} {label}]"
    red, green, blue = (round(int(fill[i : i + 2], 16) / 255 * 5) for i in (1, 3, 5))
    background = 16 + 36 * red + 6 * green + blue
    # Line by line: in many terminals, a background that crosses a line end fills the rest of the line.
    lines = [f"\x1b[38;5;16;48;5;{background}m{line}\x1b[0m" for line in f"{text} \x1b[1m{label}".split("\n")]
    return "\n".join(lines)


def _columns(text: str) -> int:
    """Count terminal columns: wide East Asian characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
