"""Weighing the tags of words whose form shows what they are.

The tags of that kind become likelier; what the model is very sure of stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ner_core.forms.form import Form
    from ner_core.units import Units

__all__ = ["weigh"]

# Models that know towns and states as GPE have LOC for other places.
_SAME = {"LOC": ("LOC", "GPE")}
# Probability above which the model counts as having found something.
_FOUND = 0.5


def weigh(
    forms: Mapping[int, Collection[Form]], units: Units, kinds: np.ndarray, follows: np.ndarray
) -> None:
    """Make tags likelier where the form of a text shows what its words are.

    Parameters
    ----------
    forms : mapping of int to collection of Form
        By the number of the text.
    units : Units
        Units of the texts; probabilities of tags are changed in place.
    kinds : ndarray of str, shape (labels,)
        Common name of each tag's type, ``O`` for none. Types that the model lacks change nothing.
    follows : ndarray of bool, shape (labels,)
        Whether a tag can continue an entity.
    """
    shown = {form.kind for found in forms.values() for form in found}
    tags = {kind: np.isin(kinds, _SAME.get(kind, kind)) for kind in shown}
    for number, found in forms.items():
        if not found:
            continue
        first, last = np.searchsorted(units.text, (number, number + 1))
        for form in found:
            begin, after = np.searchsorted(units.begin[first:last], (form.start, form.end)) + first
            wanted = tags[form.kind]
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
