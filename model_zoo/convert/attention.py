"""Changes to the attention of a graph, so that all versions of OpenVINO compute the same, and faster.

transformers gives fused attention a boolean mask. OpenVINO 2024.6 to 2025.2 adds its bytes to the attention
scores instead: NaN for a row without padding, wrong logits for the rest. An additive mask, 0 for visible
pieces and the lowest number for hidden ones, is right in every version at no cost.

OpenVINO's conversion from PyTorch inserts a reshape after every fused attention that does not change the
shape. It keeps the CPU plugin from fusing the transpose that follows, and is compiled again for each length.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13

__all__ = ["LOWEST", "bypass_needless_reshapes", "replace_boolean_masks"]

#: Hides a piece: the lowest float16 number, for devices that compute in 16 bits. e**-65504 is 0 in any type.
LOWEST = float(np.finfo(np.float16).min)

_FUSED = "ScaledDotProductAttention"
_MASK = 3  # query, key, value, mask

#: Rows and lengths on which a mask is compared with the padding alone, where the model takes any: shorter and
#: longer than what was traced.
_SHAPES = ((2, 5), (3, 29))
#: And one row of the first of these lengths that the model takes: longer than the windows of local attention,
#: such as ModernBERT's 128.
_LONG = (1100, 500, 250, 120, 60)


def replace_boolean_masks(model: ov.Model) -> int:
    """Replace the boolean masks of a model's fused attention by additive masks; return how many.

    A mask that hides only padding is computed from ``attention_mask`` directly, without the operations that
    transformers needs for other masks.
    """
    nodes = [node for node in model.get_ops() if node.get_type_name() == _FUSED]
    nodes = [node for node in nodes if node.get_input_size() > _MASK]
    boolean = [node for node in nodes if node.get_input_element_type(_MASK) == ov.Type.boolean]
    made: list[tuple[ov.Output, ov.Output]] = []
    for node in boolean:
        mask = node.input_value(_MASK)
        numbers = next((found for known, found in made if known == mask), None)
        if numbers is None:
            numbers = _as_numbers(_padding(model) if _hides_padding_only(model, mask) else mask)
            made.append((mask, numbers))
        node.input(_MASK).replace_source_output(numbers)
    model.validate_nodes_and_infer_types()
    return len(boolean)


def bypass_needless_reshapes(model: ov.Model) -> int:
    """Remove reshapes of a model that do not change the shape; return how many.

    Each dimension is copied, or has that length already.
    """
    needless = [node for node in model.get_ops() if node.get_type_name() == "Reshape" and _is_needless(node)]
    for node in needless:
        for port in node.output(0).get_target_inputs():
            port.replace_source_output(node.input_value(0))
    model.validate_nodes_and_infer_types()
    return len(needless)


def _is_needless(reshape: ov.Node) -> bool:
    wanted = reshape.input_value(1).get_node()
    before = reshape.get_input_partial_shape(0)
    if wanted.get_type_name() != "Constant" or before.rank.is_dynamic:
        return False
    numbers = wanted.get_data().tolist()
    copies = reshape.get_attributes()["special_zero"]
    return len(numbers) == len(before) and all(
        (number == 0 and copies) or (size.is_static and size.get_length() == number)
        for number, size in zip(numbers, before, strict=True)
    )


def _padding(model: ov.Model) -> ov.Output:
    """Return ``attention_mask`` as a boolean mask [batch, 1, 1, sequence]."""
    given = model.input("attention_mask").get_node().output(0)
    return opset13.unsqueeze(opset13.convert(given, "boolean"), np.array([1, 2])).output(0)


def _as_numbers(mask: ov.Output) -> ov.Output:
    seen, hidden = (opset13.convert(opset13.constant(value, np.float16), "f32") for value in (0.0, LOWEST))
    return opset13.select(mask, seen, hidden).output(0)


def _hides_padding_only(model: ov.Model, mask: ov.Output) -> bool:
    """Return whether a mask hides padding and nothing else, for some inputs."""
    fixed = model.input("attention_mask").get_partial_shape()
    shapes = [tuple(fixed.to_shape())] if fixed.is_static else _SHAPES
    compiled = ov.Core().compile_model(ov.Model([mask], model.get_parameters(), "mask"), "CPU")
    generator = np.random.default_rng(0)

    def agrees(rows: int, length: int) -> bool | None:
        seen = generator.integers(0, 2, (rows, length))
        seen[:, 0] = 1  # the mask of a row of padding alone does not matter
        inputs = {port.any_name: np.zeros((rows, length), np.int64) for port in model.inputs}
        try:
            found = np.array(compiled(inputs | {"attention_mask": seen})[0])
        except RuntimeError:  # the model does not take this length
            return None
        expected = seen[:, None, None].astype(bool)
        alike = found.ndim == expected.ndim and found.shape[::3] == (rows, length)
        return alike and np.array_equal(found, np.broadcast_to(expected, found.shape))

    if not all(agrees(*shape) for shape in shapes):
        return False
    longest = [] if fixed.is_static else _LONG
    return next((found for length in longest if (found := agrees(1, length)) is not None), True)
