"""Decompression of 8-bit matrices to float32, once instead of in every run.

OpenVINO keeps such matrices in 8 bits and scales them on each use, which takes a tenth of the time for one
sentence. If the arithmetic is float32, they are decompressed before a model is compiled; embeddings, of which
a sentence needs few rows, stay in 8 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from openvino import opset13

if TYPE_CHECKING:
    import openvino as ov

__all__ = ["decompressed", "values_of"]


def decompressed(model: ov.Model) -> ov.Model:
    """Return a copy of a model with its multiplied 8-bit matrices in float32.

    Parameters
    ----------
    model : openvino.Model
        Not changed. Only 8-bit matrices with scales (and zero points) are decompressed.

    Returns
    -------
    openvino.Model
    """
    copy = model.clone()
    for node in copy.get_ops():
        if node.get_type_name() == "MatMul":
            matrix = node.input_value(1).get_node()
            values = None if matrix.get_type_name() == "Constant" else values_of(matrix)
            if values is not None:
                node.input(1).replace_source_output(opset13.constant(values).output(0))
    return copy


def values_of(node: ov.Node) -> np.ndarray | None:
    """Compute a constant, or a matrix from 8-bit values, scales and zero points; None for anything else."""
    kind = node.get_type_name()
    if kind == "Constant":
        if node.get_element_type().get_type_name() not in ("u8", "i8", "f16", "f32"):
            return None
        return node.get_data().astype(np.float32)
    if kind not in ("Convert", "Multiply", "Subtract") or node.get_element_type().is_integral():
        return None
    inputs = [values_of(port.get_source_output().get_node()) for port in node.inputs()]
    found = [values for values in inputs if values is not None]
    if len(found) < len(inputs):
        return None
    if kind == "Convert":
        return found[0]
    return found[0] * found[1] if kind == "Multiply" else found[0] - found[1]
