"""Matrices of 8 bits as the float32 that they stand for, once instead of in every run.

OpenVINO keeps such matrices in 8 bits and multiplies them by their scales whenever they are used, which for
one sentence is a tenth of the time. Where the arithmetic is float32, they are decompressed when a model is
compiled; embeddings, of which a sentence takes few rows, stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from openvino import opset13

if TYPE_CHECKING:
    import openvino as ov

__all__ = ["decompressed"]


def decompressed(model: ov.Model) -> ov.Model:
    """Copy a model with the matrices of its multiplications in float32.

    Parameters
    ----------
    model : openvino.Model
        Not changed. What is not 8 bits with scales (and zero points) stays as it is.

    Returns
    -------
    openvino.Model
    """
    copy = model.clone()
    for node in copy.get_ops():
        if node.get_type_name() == "MatMul":
            matrix = node.input_value(1).get_node()
            values = None if matrix.get_type_name() == "Constant" else _values(matrix)
            if values is not None:
                node.input(1).replace_source_output(opset13.constant(values).output(0))
    return copy


def _values(node: ov.Node) -> np.ndarray | None:
    """Compute a matrix from 8 bits, scales and zero points; None where it is made of anything else."""
    kind = node.get_type_name()
    if kind == "Constant":
        if node.get_element_type().get_type_name() not in ("u8", "i8", "f16", "f32"):
            return None
        return node.get_data().astype(np.float32)
    if kind not in ("Convert", "Multiply", "Subtract") or node.get_element_type().is_integral():
        return None
    found = []
    for port in node.inputs():
        values = _values(port.get_source_output().get_node())
        if values is None:
            return None
        found.append(values)
    if kind == "Convert":
        return found[0]
    return found[0] * found[1] if kind == "Multiply" else found[0] - found[1]
