"""From what a model says of words to the probability that a span is right.

Models are too sure of themselves, the more so the further a text is from what they were trained on. Two
things tell how much: the odds that all words of the span have their tags, and the lowest of their logits,
which falls on unfamiliar text even where the softmax does not show it. A logistic regression over both,
fitted on development sets, is Platt scaling [1]_ with one more feature. Its three numbers are the key
``calibration`` of rt_info; ``benchmarks/calibration.py`` finds them.

References
----------
.. [1] J. Platt, Probabilistic outputs for support vector machines, 1999.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Calibration", "parse_calibration", "span_probability"]

_LEAST = 1e-6


class Calibration(NamedTuple):
    """Weights of the log-odds of a span, of the lowest logit of its words, and the constant."""

    odds: float
    lowest_logit: float
    constant: float


def parse_calibration(value: str) -> Calibration:
    """Read the key ``calibration`` of rt_info.

    Raises
    ------
    ValueError
        If it is not three finite numbers.

    Examples
    --------
    >>> parse_calibration("0.3 0.8 -3.2")
    Calibration(odds=0.3, lowest_logit=0.8, constant=-3.2)
    """
    try:
        numbers = [float(number) for number in value.split()]
        if len(numbers) == len(Calibration._fields) and all(map(math.isfinite, numbers)):
            return Calibration(*numbers)
    except ValueError:
        pass
    msg = f"rt_info model_info/calibration: expected three numbers, found {value!r}."
    raise ValueError(msg)


def span_probability(words: np.ndarray, lowest_logit: float, calibration: Calibration | None) -> float:
    """Return the probability that a span is right.

    Parameters
    ----------
    words : ndarray of float, shape (words,)
        Probabilities of the words' tags.
    lowest_logit : float
        The lowest logit of these tags.
    calibration : Calibration or None
        None for a model that has none: then it is the product of the words' probabilities.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> span_probability(np.array([0.9, 0.5]), 2.0, None)
    0.45
    >>> round(span_probability(np.array([0.9, 0.5]), 2.0, Calibration(1.0, 0.5, -1.0)), 3)
    0.45
    """
    together = float(words.prod(dtype="float64"))
    if calibration is None:
        return min(together, 1.0)
    together = min(max(together, _LEAST), 1 - _LEAST)
    odds = math.log(together / (1 - together))
    value = calibration.odds * odds + calibration.lowest_logit * lowest_logit + calibration.constant
    return 1 / (1 + math.exp(-min(max(value, -50.0), 50.0)))
