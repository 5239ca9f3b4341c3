"""Removal of the rounding of activations at run time from ONNX graphs in 8 bits.

``quantize_dynamic`` of onnxruntime (``model_quantized.onnx``, ``model_int8.onnx``) derives the scale of
activations from the range of a whole batch, so that the scores of a text depend on its neighbours. The
weights stay rounded; only the rounding of activations is removed: ``DynamicQuantizeLinear`` returns its input
with scale 1 and zero point 0, and ``MatMulInteger`` becomes a ``MatMul`` with its integer weights as floats.
The multiplication by the scales that follows stays
(https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html, onnx__MatMulInteger.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_zoo.convert.checkpoints.checkpoint import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["rounds_activations", "without_rounding"]

_ROUNDING = b"DynamicQuantizeLinear"
_BLOCK = 1 << 20


def rounds_activations(file: Path) -> bool:
    """Return whether the graph in an ONNX file rounds activations at run time."""
    tail = b""
    with file.open("rb") as graph:
        while block := graph.read(_BLOCK):
            if _ROUNDING in tail + block:
                return True
            tail = block[-len(_ROUNDING) :]
    return False


def without_rounding(file: Path, target: Path) -> Path:
    """Write a graph that computes in floats to `target`; external tensors lie beside `file`.

    Raises
    ------
    CheckpointError
        The onnx package is not installed, or other nodes take the rounded values.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        msg = f"{file}: a quantized graph needs the onnx package: pip install onnx"
        raise CheckpointError(msg) from None
    model = onnx.load(file)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    rounded: set[str] = set()
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            value, scale, zero_point = node.output
            graph.initializer.append(onnx.helper.make_tensor(scale, onnx.TensorProto.FLOAT, [], [1.0]))
            graph.initializer.append(onnx.helper.make_tensor(zero_point, onnx.TensorProto.UINT8, [], [0]))
            node.op_type = "Identity"
            del node.output[1:]
            rounded.add(value)
    for node in graph.node:
        taken = rounded & set(node.input)
        if not taken:
            continue
        if node.op_type != "MatMulInteger" or node.input[0] not in rounded or node.input[1] not in constants:
            msg = f"{file}: expected rounded values at MatMulInteger only, found them at {node.op_type}."
            raise CheckpointError(msg)
        graph.initializer.append(_weights(onnx, constants, node))
        node.input[1] = f"{node.output[0]}_weights"
        node.op_type = "MatMul"
        del node.input[2:]
    onnx.save_model(model, target, save_as_external_data=model.ByteSize() > 1 << 30, location="tensors")
    return target


def _weights(onnx: Any, constants: dict[str, Any], node: Any) -> Any:
    """Return the weights of a MatMulInteger less their zero point, as floats."""
    weights = onnx.numpy_helper.to_array(constants[node.input[1]]).astype("float32")
    if len(node.input) > 3 and node.input[3]:
        weights = weights - onnx.numpy_helper.to_array(constants[node.input[3]]).astype("float32")
    return onnx.numpy_helper.from_array(weights, f"{node.output[0]}_weights")
