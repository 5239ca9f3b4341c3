"""The arithmetic that a CPU computes in: exact, or the fastest that it has and the model is known to bear.

A way is borne when whoever made the model measured what it costs: a loss for each way stands in rt_info, of
F1 on labelled text or else of words whose label changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import openvino as ov

__all__ = [
    "COMPUTE",
    "EXACT",
    "LIMITS",
    "WAYS",
    "Way",
    "borne_ways",
    "fact_of",
    "fastest_way",
    "has_int8_weights",
    "ways_of",
]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to compute.

    Attributes
    ----------
    name : str
        As users give it and results say it.
    precision : str
        OpenVINO's ``INFERENCE_PRECISION_HINT``.
    group : int
        Numbers that share a scale when activations are quantized to 8 bits at run time, which weights of 8
        bits allow: OpenVINO's ``DYNAMIC_QUANTIZATION_GROUP_SIZE``; 0 leaves activations as they are.
    needs : frozenset of str
        What the processor must be fast in, see `ner_core.hardware.fast_arithmetic`.
    """

    name: str
    precision: str
    group: int = 0
    needs: frozenset[str] = frozenset()

    @property
    def config(self) -> dict[str, str]:
        """The properties to compile with on a CPU."""
        return {
            "INFERENCE_PRECISION_HINT": self.precision,
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(self.group),
        }


#: The same numbers on every processor.
EXACT = Way("f32", "f32")

#: Fastest first, as measured with minilm-ner and bert-base on a processor that has them all but f16.
WAYS = (
    Way("int8+bf16", "bf16", 128, frozenset({"int8", "bf16"})),
    Way("int8", "f32", 128, frozenset({"int8"})),
    Way("bf16", "bf16", 0, frozenset({"bf16"})),
    Way("f16", "f16", 0, frozenset({"f16"})),
    EXACT,
)

#: What users may ask for.
COMPUTE = ("auto", "exact", *(way.name for way in WAYS))

#: Largest loss that counts as borne: of micro F1, or the share of words whose label changes.
LIMITS = {"f1": 0.001, "words": 0.002}


def fact_of(way: Way) -> str:
    """Return the key of rt_info that holds what a way loses.

    Its value is the unit and the loss: ``f1 0.0004`` or ``words 0.0011``.

    Examples
    --------
    >>> fact_of(WAYS[0])
    'loss_int8_bf16'
    """
    return f"loss_{way.name.replace('+', '_')}"


def borne_ways(info: Mapping[str, str]) -> tuple[Way, ...]:
    """Find the ways that a model is known to bear, fastest first.

    Parameters
    ----------
    info : mapping of str to str
        The section ``model_info`` of its rt_info.

    Returns
    -------
    tuple of Way
        With `EXACT` at the end.

    Examples
    --------
    >>> [way.name for way in borne_ways({"loss_bf16": "f1 -0.0002", "loss_int8": "words 0.03"})]
    ['bf16', 'f32']
    """
    return tuple(way for way in WAYS if way is EXACT or _is_borne(info.get(fact_of(way), "")))


def _is_borne(loss: str) -> bool:
    unit, _, number = loss.partition(" ")
    try:
        return unit in LIMITS and float(number) <= LIMITS[unit]
    except ValueError:
        return False


def ways_of(fast: Collection[str]) -> tuple[Way, ...]:
    """Find the ways that a processor has, fastest first.

    Parameters
    ----------
    fast : collection of str
        As `ner_core.hardware.fast_arithmetic` finds it.

    Examples
    --------
    >>> [way.name for way in ways_of({"bf16"})]
    ['bf16', 'f32']
    """
    return tuple(way for way in WAYS if way.needs <= set(fast))


class ComputeError(ValueError):
    """A way to compute that is unknown, or that processor or model do not have; the message is for people."""


def fastest_way(asked: str, fast: Collection[str], borne: Collection[Way], *, int8_weights: bool) -> Way:
    """Choose how a CPU computes.

    Parameters
    ----------
    asked : str
        One of `COMPUTE`.
    fast : collection of str
        What the processor is fast in.
    borne : collection of Way
        What the model is known to bear.
    int8_weights : bool
        Whether the model has weights of 8 bits, which quantizing activations at run time takes.

    Returns
    -------
    Way

    Raises
    ------
    ComputeError
        If `asked` is unknown, or names what processor or model do not have.
    """
    present = [way for way in ways_of(fast) if int8_weights or not way.group]
    if asked == "auto":
        return next(way for way in present if way in borne)
    if asked == "exact":
        return EXACT
    named = next((way for way in WAYS if way.name == asked), None)
    if named is None:
        msg = f"Unknown compute {asked!r}: expected {', '.join(COMPUTE)}."
        raise ComputeError(msg)
    if named not in present:
        lacks = not named.needs <= set(fast)
        why = "this processor has no such instructions" if lacks else "it takes an INT8 model"
        ways = ", ".join(way.name for way in present)
        msg = f"compute={asked!r} is not possible here, because {why}: expected auto, exact, {ways}."
        raise ComputeError(msg)
    return named


def has_int8_weights(model: ov.Model) -> bool:
    """Return whether a model has matrices of 8 bits, and activations that nobody fixed to 8 bits already."""
    matrices = False
    for node in model.get_ops():
        kind = node.get_type_name()
        if kind == "FakeQuantize":
            return False
        if kind == "Constant" and node.get_element_type().get_type_name() in ("u8", "i8"):
            matrices = matrices or len(node.get_output_partial_shape(0)) > 1
    return matrices
