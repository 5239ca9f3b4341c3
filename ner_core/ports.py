"""Inputs and outputs of a token classifier: names, types and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import openvino as ov

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["INPUTS", "Ports", "find_ports", "fixed_shapes"]

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class Ports(NamedTuple):
    """Inputs and output of a model.

    Attributes
    ----------
    inputs : dict of str to type
        The arrays of a `Batch` that are inputs, and their types.
    output : int
        Index of the output with the logits.
    label_count : int
        Number of labels; 0 if unknown.
    """

    inputs: dict[str, type]
    output: int
    label_count: int


def find_ports(model: ov.Model, path: Path) -> Ports:
    """Find the inputs by name, the output with the logits, and the number of labels.

    Parameters
    ----------
    model : openvino.Model
        As read from `path`.
    path : Path
        For messages.

    Returns
    -------
    Ports

    Raises
    ------
    ValueError
        If the model is not a token classifier.
    """
    types = {ov.Type.i64: np.int64, ov.Type.i32: np.int32}
    inputs: dict[str, type] = {}
    for port in model.inputs:
        known = set(INPUTS) & set(port.get_names())
        if not known:
            msg = (
                f"{path}: input {port.any_name!r} is unknown; expected input_ids, attention_mask and perhaps "
                "token_type_ids."
            )
            raise ValueError(msg)
        name = known.pop()
        if port.element_type not in types:
            msg = f"{path}: input {name} is {port.element_type.get_type_name()}; expected int64."
            raise ValueError(msg)
        inputs[name] = types[port.element_type]
    outputs = [index for index, port in enumerate(model.outputs) if port.partial_shape.rank == 3]
    named = [i for i in outputs if {"output", "logits"} & set(model.outputs[i].get_names())]
    chosen = (named or outputs)[:1]
    if "input_ids" not in inputs or not chosen:
        msg = f"{path}: not a token classifier; expected input_ids and logits [batch, sequence, labels]."
        raise ValueError(msg)
    labels = model.outputs[chosen[0]].partial_shape[2]
    return Ports(inputs, chosen[0], labels.get_length() if labels.is_static else 0)


def fixed_shapes(model: ov.Model, wanted: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
    """Return the shapes (rows, length) to compile for, smallest length first; empty for dynamic shapes.

    A model with partly dynamic inputs is reshaped to fully dynamic ones.

    Raises
    ------
    ValueError
        If shapes are wanted for a model with fixed inputs.
    """
    shape = model.inputs[0].partial_shape
    if shape.is_static:
        fixed = shape[0].get_length(), shape[1].get_length()
        if wanted:
            msg = f"This model has fixed inputs of {fixed}: static_shapes cannot change them."
            raise ValueError(msg)
        return [fixed]
    model.reshape({port: [-1, -1] for port in model.inputs})
    return sorted(((int(rows), int(length)) for rows, length in wanted or ()), key=lambda fixed: fixed[::-1])
