"""The strategies by which word pieces become entities."""

from __future__ import annotations

import numbers
from typing import Any

__all__ = ["AGGREGATIONS", "AS_WRITTEN", "DEFAULT_AGGREGATION", "checked_aggregation", "checked_threshold"]

#: ``word``: words as people write them, valid tag sequences, names without the punctuation around them.
#: ``whitespace``: the same over words that white space divides, as NeMo has them. The others are those of
#: transformers' token-classification pipeline.
AGGREGATIONS = ("word", "whitespace", "first", "average", "max", "simple", "none")

DEFAULT_AGGREGATION = "word"

#: Strategies that find segments (`ner_core.segments`) and fold characters (`ner_core.characters`). With the
#: others the model sees the text unchanged, as in transformers.
AS_WRITTEN = ("word", "whitespace")


def checked_aggregation(name: str) -> str:
    """Return the name, or raise `ValueError` for an unknown aggregation.

    Examples
    --------
    >>> checked_aggregation("word")
    'word'
    """
    if name not in AGGREGATIONS:
        msg = f"Unknown aggregation {name!r}: expected one of {', '.join(AGGREGATIONS)}."
        raise ValueError(msg)
    return name


def checked_threshold(value: Any) -> float:
    """Return a minimum score as a float, or raise `ValueError` unless it is a number from 0 to 1.

    Examples
    --------
    >>> checked_threshold(0.5)
    0.5
    >>> checked_threshold(7)
    Traceback (most recent call last):
    ValueError: Threshold: expected a number from 0 to 1, found 7.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= float(value) <= 1:
        msg = f"Threshold: expected a number from 0 to 1, found {value!r}."
        raise ValueError(msg)
    return float(value)
