"""What the form of a text tells about its names, whatever the model knows: authors, addresses, salutations.

Modules that recognize a form yield `Form`; `weigh` makes the tags of its role likelier in its words. What the
model is very sure of stays.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ner_core.units import Units

__all__ = ["Form", "Role", "weigh"]


class Role(Enum):
    """What some words are: which types become likelier, how much, and whether they are one name."""

    PERSON = (("PER",), 200, False)
    ADDRESSED = (("PER",), 20, True)  # less sure: Dear Customer, Hello World
    PLACE = (("LOC", "GPE"), 3000, True)
    LIKELY_PLACE = (("LOC", "GPE"), 20, True)
    NO_NAME = (("O",), 3000, False)

    def __init__(self, kinds: tuple[str, ...], gain: int, whole: bool) -> None:
        self.kinds = kinds
        self.gain = gain
        self.whole = whole


class Form(NamedTuple):
    """A slice of a text and its role."""

    start: int
    end: int
    role: Role


def weigh(forms: Mapping[int, Iterable[Form]], units: Units, kinds: np.ndarray, follows: np.ndarray) -> None:
    """Make tags likelier where the form of a text shows what its words are.

    Parameters
    ----------
    forms : mapping of int to iterable of Form
        By the number of the text.
    units : Units
        Units of the texts; probabilities of tags are changed in place.
    kinds : ndarray of str, shape (labels,)
        Common name of each tag's type, ``O`` for none; a role whose type the model lacks changes nothing.
    follows : ndarray of bool, shape (labels,)
        Whether a tag can continue an entity.
    """
    for number, found in forms.items():
        first, last = np.searchsorted(units.text, (number, number + 1))
        for start, end, role in found:
            begin, after = np.searchsorted(units.begin[first:last], (start, end)) + first
            weighed = units.probabilities[begin:after]
            wanted = np.isin(kinds, role.kinds)
            weights = np.broadcast_to(np.where(wanted, role.gain, 1), weighed.shape).copy()
            if role.whole and (wanted & ~follows).any():
                weights[:1, wanted & follows] = 1
                weights[1:, wanted & ~follows] = 1
            weighed = weighed * weights
            units.probabilities[begin:after] = weighed / weighed.sum(axis=-1, keepdims=True)
