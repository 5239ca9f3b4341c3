"""Text with its entities taken out: replaced by their label, or by a numbered placeholder."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ner_core.entity import Recognition

__all__ = ["REDACTION_STYLES", "redact"]

REDACTION_STYLES = ("label", "numbered")


def redact(
    recognition: Recognition,
    style: str = "label",
    numbers: dict[tuple[str, str], int] | None = None,
) -> str:
    """Replace every entity.

    Only what the model found is replaced: this is no proof that a text is free of names.

    Parameters
    ----------
    recognition : Recognition
        A text and its entities.
    style : str
        ``label`` writes ``[PER]``; ``numbered`` writes ``PER_1``, the same name of the same label having the
        same number. Names are compared without regard to case, white space and Unicode composition.
    numbers : dict of (str, str) to int, optional
        Numbers given so far, by label and name; filled by this function. Give the same dict for several texts
        to have one numbering for all.

    Returns
    -------
    str
        The text, otherwise unchanged.

    Raises
    ------
    ValueError
        For an unknown style.

    Examples
    --------
    >>> from ner_core import Entity, Recognition
    >>> entities = (Entity(0, 4, "PER", 1.0, "Mary"), Entity(9, 13, "PER", 1.0, "MARY"))
    >>> found = Recognition("Mary met MARY.", entities)
    >>> redact(found)
    '[PER] met [PER].'
    >>> redact(found, "numbered")
    'PER_1 met PER_1.'
    """
    if style not in REDACTION_STYLES:
        msg = f"Unknown style {style!r}: expected one of {', '.join(REDACTION_STYLES)}."
        raise ValueError(msg)
    numbers = {} if numbers is None else numbers
    last = {label: number for (label, _), number in numbers.items()}
    parts: list[str] = []
    position = 0
    for entity in recognition.entities:
        placeholder = f"[{entity.label}]"
        if style == "numbered":
            key = (entity.label, _name(entity.text))
            if key not in numbers:
                last[entity.label] = numbers[key] = last.get(entity.label, 0) + 1
            placeholder = f"{entity.label}_{numbers[key]}"
        parts += [recognition.text[position : entity.start], placeholder]
        position = entity.end
    return "".join([*parts, recognition.text[position:]])


def _name(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
