"""The loss of accuracy by each kind of arithmetic that is faster than float32, for rt_info.

Measured for the kinds that this processor supports: F1 if there is labelled text, else the share of words
whose label changes. ``compute="auto"`` uses a kind only if its loss is known; see `ner_core.compute`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from model_zoo.convert.calibration import SENTENCES
from ner_core.compute import EXACT, WAYS, Way, fact_of, has_int8_weights, ways_of
from ner_core.evaluation import evaluate_recognizer
from ner_core.hardware import DeviceError, core, fast_arithmetic
from ner_core.recognizer import EntityRecognizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ner_core.corpus import Sentence

__all__ = ["FACTS", "measure_losses"]

#: The keys of rt_info that hold a loss.
FACTS = tuple(fact_of(way) for way in WAYS if way is not EXACT)


def measure_losses(xml: Path, sentences: Iterable[Sentence] | None = None) -> dict[str, str]:
    """Measure the loss of each faster kind of arithmetic that this processor supports.

    Parameters
    ----------
    xml : pathlib.Path
        The IR, with its tokenizer beside it.
    sentences : iterable of Sentence, optional
        Labelled text, read once for each kind; built-in sentences without labels by default.

    Returns
    -------
    dict of str to str
        Keys of `FACTS`, and values as `ner_core.compute.fact_of` describes them.
    """
    weights = has_int8_weights(core().read_model(xml))
    ways = [way for way in ways_of(fast_arithmetic()) if way is not EXACT and (weights or not way.group)]
    if not ways:
        return {}
    loss_of = _comparison(_recognizer(xml, EXACT), sentences)
    losses = {}
    for way in ways:
        # A kind that fails, because the processor lacks what it claims, stays unmeasured and unused.
        with contextlib.suppress(DeviceError):
            losses[fact_of(way)] = loss_of(_recognizer(xml, way))
    return losses


def _recognizer(xml: Path, way: Way) -> EntityRecognizer:
    return EntityRecognizer.from_ir(xml, device="CPU", compute=way.name, hint="LATENCY")


def _comparison(
    exact: EntityRecognizer, sentences: Iterable[Sentence] | None
) -> Callable[[EntityRecognizer], str]:
    """Return a function that measures the loss of another recognizer."""
    if sentences is None:
        labels = np.array(_labels(exact))
        return lambda other: f"words {np.mean(labels != _labels(other)):.4f}"
    f1 = evaluate_recognizer(exact, sentences).micro.f1
    return lambda other: f"f1 {f1 - evaluate_recognizer(other, sentences).micro.f1:.4f}"


def _labels(ner: EntityRecognizer) -> list[str]:
    """Return the label of every word of the built-in sentences."""
    return [tag for tags in ner.tag(text.split() for text in SENTENCES) for tag in tags]
