"""Word embeddings that are exact in 4 bits are stored in 4 bits.

Some encoders are published in 4 bits, in blocks of 32 weights with one scale (llama.cpp's ``q4_0``), and are
fine-tuned with these embeddings frozen. In 8 bits they would take twice the space and be rounded again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import openvino as ov

__all__ = ["store_in_four_bits"]

_BLOCK = 32
_ZERO = 8
_CHUNK = 4096  # rows checked at a time


def store_in_four_bits(model: ov.Model) -> int:
    """Replace embeddings of a model whose weights lie on a grid of 4 bits; return how many tables."""
    replaced = 0
    for gather in model.get_ops():
        if gather.get_type_name() != "Gather":
            continue
        table = gather.input_value(0).get_node()
        if table.get_type_name() == "Convert":  # float16 in the file
            table = table.input_value(0).get_node()
        if table.get_type_name() != "Constant" or len(table.get_output_shape(0)) != 2:
            continue
        found = _on_grid(table.get_data())
        if found is not None:
            gather.input(0).replace_source_output(_decompression(*found).output(0))
            replaced += 1
    model.validate_nodes_and_infer_types()
    return replaced


def _on_grid(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the steps (0 to 15) and float16 scales that give exactly these weights, if there are any.

    In each block, the weight of the largest magnitude is 8 steps below zero, whatever its sign.
    """
    rows, columns = weights.shape
    if columns % _BLOCK or rows < _BLOCK:
        return None
    steps = np.empty((rows, columns // _BLOCK, _BLOCK), np.uint8)
    scales = np.empty((rows, columns // _BLOCK, 1), np.float16)
    for start in range(0, rows, _CHUNK):
        part = slice(start, min(start + _CHUNK, rows))
        blocks = weights[part].astype(np.float32).reshape(-1, columns // _BLOCK, _BLOCK)
        largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)
        scale = (largest / -_ZERO).astype(np.float16)
        divisor = np.where(scale == 0, np.float32(1), scale.astype(np.float32))
        step = np.rint(blocks / divisor) + _ZERO
        if step.min() < 0 or step.max() > 15:
            return None
        if not np.array_equal((step - _ZERO) * scale.astype(np.float32), blocks):
            return None
        steps[part], scales[part] = step.astype(np.uint8), scale
    return steps, scales


def _decompression(steps: np.ndarray, scales: np.ndarray) -> ov.Node:
    """Build OpenVINO's pattern of compressed weights: (steps - zero point) * scale, in float32."""
    import openvino as ov
    from openvino import opset13 as ops

    packed = (steps[..., 0::2] | steps[..., 1::2] << 4).reshape(-1)  # low half first
    # the constants must own their memory: these arrays are gone when the model is saved
    tensor = ov.Tensor(packed, ov.Shape(steps.shape), ov.Type.u4)
    zero = ov.Tensor(np.array([_ZERO | _ZERO << 4], np.uint8), ov.Shape([1, 1, 1]), ov.Type.u4)
    shifted = ops.subtract(
        ops.convert(ops.constant(tensor, shared_memory=False), "f32"),
        ops.convert(ops.constant(zero, shared_memory=False), "f32"),
    )
    scaled = ops.multiply(shifted, ops.convert(ops.constant(scales, shared_memory=False), "f32"))
    shape = np.array([steps.shape[0], steps.shape[1] * steps.shape[2]], np.int64)
    return ops.reshape(scaled, ops.constant(shape), special_zero=False)
