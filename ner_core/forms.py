"""What the form of a text shows of its names, whatever the model knows: references, addresses, legal forms.

Modules that recognize a form yield `Form`; `weigh` makes the tags of its kind likelier in its words. What the
model is very sure of stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ner_core.units import Units

__all__ = ["Form", "weigh"]

# Models that know towns and states as GPE have LOC for other places.
_SAME = {"LOC": ("LOC", "GPE")}

_FOUND = 0.5


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


def weigh(forms: Mapping[int, Iterable[Form]], units: Units, kinds: np.ndarray, follows: np.ndarray) -> None:
    """Make tags likelier where the form of a text shows what its words are.

    Parameters
    ----------
    forms : mapping of int to iterable of Form
        By the number of the text.
    units : Units
        Units of the texts; probabilities of tags are changed in place.
    kinds : ndarray of str, shape (labels,)
        Common name of each tag's type, ``O`` for none. Types that the model lacks change nothing.
    follows : ndarray of bool, shape (labels,)
        Whether a tag can continue an entity.
    """
    for number, found in forms.items():
        first, last = np.searchsorted(units.text, (number, number + 1))
        for form in found:
            begin, after = np.searchsorted(units.begin[first:last], (form.start, form.end)) + first
            wanted = np.isin(kinds, _SAME.get(form.kind, form.kind))
            known = units.probabilities[begin:after, wanted].sum(axis=1)
            if form.new and known.max(initial=0) > _FOUND:
                continue
            weights = np.where(wanted, form.gain, 1) * np.ones((after - begin, 1))
            going_on, beginning = wanted & follows, wanted & ~follows
            if form.whole and going_on.any() and beginning.any():
                weights[:1, going_on] = 1
                weights[1:, beginning] = 1
            weighed = units.probabilities[begin:after] * weights
            units.probabilities[begin:after] = weighed / weighed.sum(axis=-1, keepdims=True)
