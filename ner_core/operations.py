"""Computational cost of a model: the floating point operations of its matrix products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino as ov

__all__ = ["count_operations"]


def count_operations(model: ov.Model) -> int:
    """Count the operations of the matrix products, attention included; the rest is negligible.

    A multiplication and an addition are two operations, as Open Model Zoo's model cards count them.

    Parameters
    ----------
    model : openvino.Model
        With known shapes.
    """
    return sum(_operations(node) for node in model.get_ops())


def _operations(node: ov.Node) -> int:
    kind = node.get_type_name()
    if kind == "MatMul":
        inner = list(node.get_input_shape(0))[-2 if node.get_attributes()["transpose_a"] else -1]
        return 2 * math.prod(node.get_output_shape(0)) * inner
    if kind == "ScaledDotProductAttention":  # query by key, then by value
        query, key, value = (list(node.get_input_shape(index)) for index in range(3))
        return 2 * math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    return 0
