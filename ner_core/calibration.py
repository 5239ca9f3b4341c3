"""Calibration: from the scores of words to the probability that a span is right.

Models are overconfident, the more so the further a text is from their training data. Three features tell how
much: the odds that all words of the span have their tags; the lowest energy of a word (the log-sum-exp of its
logits), which is low on unfamiliar text even where the softmax does not show it [1]_; and the probability
that the word after the span continues it. A logistic regression over them, fitted on development sets, is
Platt scaling [2]_ with more features. Its four numbers are the key ``calibration`` of rt_info, fitted by
``benchmarks/calibration.py``.

References
----------
.. [1] Liu, Wang, Owens, Li, Energy-based out-of-distribution detection, 2020.
.. [2] J. Platt, Probabilistic outputs for support vector machines, 1999.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ner_core.aggregation import checked_threshold

__all__ = ["Calibration", "parse_calibration", "parse_threshold", "span_probability"]

_LEAST = 1e-6
_LEAST_END = 1e-4


class Calibration(NamedTuple):
    """Weights of a span's log-odds, its energy and its continuation, and the intercept."""

    odds: float
    energy: float
    going_on: float
    constant: float


def parse_calibration(value: str | None) -> Calibration | None:
    """Read the key ``calibration`` of rt_info; None if there is none.

    Raises
    ------
    ValueError
        If it is not four finite numbers.

    Examples
    --------
    >>> parse_calibration("0.4 0.8 -6.6 -3.5")
    Calibration(odds=0.4, energy=0.8, going_on=-6.6, constant=-3.5)
    """
    if value is None:
        return None
    try:
        numbers = [float(number) for number in value.split()]
        if len(numbers) == len(Calibration._fields) and all(map(math.isfinite, numbers)):
            return Calibration(*numbers)
    except ValueError:
        pass
    msg = f"rt_info model_info/calibration: expected four numbers, found {value!r}."
    raise ValueError(msg)


def parse_threshold(value: str) -> float:
    """Read the key ``threshold`` of rt_info: the lowest score that is reported by default.

    Where scores are probabilities, the threshold with the best F1 is half of that F1 [1]_; a lower value
    finds more.

    Raises
    ------
    ValueError
        If it is not a number from 0 to 1.

    References
    ----------
    .. [1] Lipton, Elkan, Narayanaswamy, Optimal thresholding of classifiers to maximize F1 measure, 2014.

    Examples
    --------
    >>> parse_threshold("0.25")
    0.25
    """
    try:
        return checked_threshold(float(value))
    except ValueError:
        msg = f"rt_info model_info/threshold: expected a number from 0 to 1, found {value!r}."
        raise ValueError(msg) from None


def span_probability(
    product: float, energy: float, going_on: float, calibration: Calibration | None
) -> float:
    """Return the probability that a span is right.

    Parameters
    ----------
    product : float
        Product of the probabilities of the words' tags.
    energy : float
        Lowest energy of the words.
    going_on : float
        Probability that the word after the span continues it; 0 if there is none.
    calibration : Calibration or None
        None for an uncalibrated model: the product is then returned.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> span_probability(0.45, 2.0, 0.0, None)
    0.45
    >>> round(span_probability(0.45, 2.0, 0.0, Calibration(1.0, 0.5, -5.0, -1.0)), 3)
    0.45
    >>> round(span_probability(0.45, 2.0, 0.2, Calibration(1.0, 0.5, -5.0, -1.0)), 3)
    0.211
    """
    if calibration is None:
        return min(product, 1.0)
    product = min(max(product, _LEAST), 1 - _LEAST)
    value = (
        calibration.odds * math.log(product / (1 - product))
        + calibration.energy * energy
        - calibration.going_on * math.log(max(1 - going_on, _LEAST_END))
        + calibration.constant
    )
    return 1 / (1 + math.exp(-min(max(value, -50.0), 50.0)))
