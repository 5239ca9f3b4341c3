"""The arithmetic of a CPU: exact, or the fastest that it supports and the model is known to tolerate.

rt_info holds the measured loss of each arithmetic: of F1 on labelled text, or the share of words whose label
changes. A model tolerates an arithmetic if that loss is small enough.
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
    """One arithmetic.

    Attributes
    ----------
    name : str
        Its name in options and results.
    precision : str
        OpenVINO's ``INFERENCE_PRECISION_HINT``.
    group : int
        OpenVINO's ``DYNAMIC_QUANTIZATION_GROUP_SIZE``: numbers that share a scale when activations are
        quantized to 8 bits at run time, for models with 8-bit weights; 0 does not quantize activations.
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

#: Fastest first, as measured with minilm-ner and bert-base on a processor that supports all but f16.
WAYS = (
    Way("int8+bf16", "bf16", 128, frozenset({"int8", "bf16"})),
    Way("int8", "f32", 128, frozenset({"int8"})),
    Way("bf16", "bf16", 0, frozenset({"bf16"})),
    Way("f16", "f16", 0, frozenset({"f16"})),
    EXACT,
)

#: What users may ask for.
COMPUTE = ("auto", "exact", *(way.name for way in WAYS))

#: Largest tolerated loss: of micro F1, or the share of words whose label changes.
LIMITS = {"f1": 0.001, "words": 0.002}


def fact_of(way: Way) -> str:
    """Return the key of rt_info for the loss of an arithmetic.

    Its value is a unit and a number: ``f1 0.0004`` or ``words 0.0011``.

    Examples
    --------
    >>> fact_of(WAYS[0])
    'loss_int8_bf16'
    """
    return f"loss_{way.name.replace('+', '_')}"


def borne_ways(info: Mapping[str, str]) -> tuple[Way, ...]:
    """Return the arithmetic that a model is known to tolerate, fastest first.

    Parameters
    ----------
    info : mapping of str to str
        The section ``model_info`` of its rt_info.

    Returns
    -------
    tuple of Way
        Ends with `EXACT`.

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
    """Return the arithmetic that a processor supports, fastest first.

    Parameters
    ----------
    fast : collection of str
        The result of `ner_core.hardware.fast_arithmetic`.

    Examples
    --------
    >>> [way.name for way in ways_of({"bf16"})]
    ['bf16', 'f32']
    """
    return tuple(way for way in WAYS if way.needs <= set(fast))


class ComputeError(ValueError):
    """An arithmetic is unknown, or not supported by the processor or the model; the message is for users."""


def fastest_way(asked: str, fast: Collection[str], borne: Collection[Way], *, int8_weights: bool) -> Way:
    """Choose the arithmetic of a CPU.

    Parameters
    ----------
    asked : str
        One of `COMPUTE`.
    fast : collection of str
        What the processor is fast in.
    borne : collection of Way
        What the model is known to tolerate.
    int8_weights : bool
        Whether the model has 8-bit weights, which quantizing activations at run time requires.

    Returns
    -------
    Way

    Raises
    ------
    ComputeError
        If `asked` is unknown, or not supported by the processor or the model.
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
        why = "this processor lacks the instructions" if lacks else "it needs an INT8 model"
        ways = ", ".join(way.name for way in present)
        msg = f"compute={asked!r} is not possible here, because {why}: expected auto, exact, {ways}."
        raise ComputeError(msg)
    return named


def has_int8_weights(model: ov.Model) -> bool:
    """Return whether a model has 8-bit matrices without activations that are already fixed to 8 bits."""
    nodes = model.get_ops()
    if any(node.get_type_name() == "FakeQuantize" for node in nodes):
        return False
    constants = [node for node in nodes if node.get_type_name() == "Constant"]
    matrices = [node for node in constants if len(node.get_output_partial_shape(0)) > 1]
    return any(node.get_element_type().get_type_name() in ("u8", "i8") for node in matrices)
