"""What the form of some words shows."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Form"]


class Form(NamedTuple):
    """A slice of a text, and what its form shows.

    Attributes
    ----------
    start, end : int
        Characters.
    kind : str
        Common name of a type, or ``O`` for no name.
    gain : int
        How much likelier that is than the model says.
    whole : bool
        Whether the slice is one name, and not parts of several or a part of one.
    new : bool
        Whether it counts only where the model has found nothing of this kind in the slice.
    """

    start: int
    end: int
    kind: str
    gain: int
    whole: bool = True
    new: bool = False
