"""ONNX graphs that round their activations to 8 bits as they run, made into graphs that compute in floats.

``quantize_dynamic`` of onnxruntime (``model_quantized.onnx``, ``model_int8.onnx``) takes the range of a whole
batch for the scale of its activations, so that the scores of a text depend on what stands beside it. The
weights stay as they were rounded; only the rounding of activations is taken out:
``DynamicQuantizeLinear`` passes its input on with scale 1 and zero point 0, and ``MatMulInteger`` becomes a
``MatMul`` with the whole numbers of its weights as floats. The multiplication by the scales that follows it
stays (https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html, onnx__MatMulInteger.html).
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
    """Return whether an ONNX file holds a graph that rounds activations as it runs."""
    tail = b""
    with file.open("rb") as graph:
        while block := graph.read(_BLOCK):
            if _ROUNDING in tail + block:
                return True
            tail = block[-len(_ROUNDING) :]
    return False


def without_rounding(file: Path, target: Path) -> Path:
    """Write the graph of a file so that it computes in floats.

    Parameters
    ----------
    file : pathlib.Path
        ONNX, with its external tensors beside it.
    target : pathlib.Path
        Where to write the other graph.

    Returns
    -------
    pathlib.Path
        `target`.

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
