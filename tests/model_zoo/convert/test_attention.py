import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

import model_zoo
from model_zoo.convert import ir
from model_zoo.convert.attention import bypass_needless_reshapes, replace_boolean_masks

PADDING = {"input_ids": [[7, 3, 9, 4], [5, 8, 2, 2]], "attention_mask": [[1, 1, 1, 1], [1, 1, 0, 0]]}


def attending(*, local=False, shape=(-1, -1)):
    """A model whose attention sees what is no padding, and, when local, only the pieces beside it."""
    ids, seen = (ops.parameter(shape, np.int64, name=name) for name in PADDING)
    for port in (ids, seen):
        port.output(0).get_tensor().set_names({port.get_friendly_name()})
    heads = ops.unsqueeze(ops.convert(ids, "f32"), np.array([1, 3]))
    mask = ops.unsqueeze(ops.convert(seen, "boolean"), np.array([1, 2]))
    length = ops.gather(ops.shape_of(ids), np.int64(1), np.int64(0))
    places = ops.range(np.int64(0), length, np.int64(1), output_type="i64")
    apart = ops.absolute(
        ops.subtract(ops.unsqueeze(places, np.array([0])), ops.unsqueeze(places, np.array([1])))
    )
    near = ops.less_equal(apart, np.int64(1 if local else 10**6))
    found = ops.scaled_dot_product_attention(
        heads, heads, heads, ops.logical_and(mask, near), np.float32(0.1)
    )
    logits = ops.squeeze(found, np.array([1]))
    return ov.Model([logits], [ids, seen], "attending")


def computed(model):
    return np.array(ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(PADDING)[0])


def fused(model):
    return [node for node in model.get_ops() if node.get_type_name() == "ScaledDotProductAttention"]


@pytest.mark.parametrize("shape", [(-1, -1), (2, 4)])
@pytest.mark.parametrize("local", [False, True])
def test_boolean_masks_become_numbers_and_logits_stay(local, shape):
    model = attending(local=local, shape=shape)
    before = computed(model)
    assert replace_boolean_masks(model) == 1
    [node] = fused(model)
    assert node.get_input_element_type(3) == ov.Type.f32
    assert node.get_input_partial_shape(3)[2] == (ov.Dimension(1) if not local else ov.Dimension(shape[1]))
    assert np.allclose(computed(model)[:, :2], before[:, :2], atol=1e-6)
    assert replace_boolean_masks(model) == 0


def test_what_is_saved_has_masks_of_numbers(tmp_path):
    ir.finish(attending(), tmp_path / "m.xml", "FP32", {})
    [node] = fused(ov.Core().read_model(tmp_path / "m.xml"))
    assert node.get_input_element_type(3) == ov.Type.f32


def test_the_embedded_model_has_masks_of_numbers():
    [xml] = model_zoo.find("minilm-ner").values()
    nodes = fused(ov.Core().read_model(xml))
    assert len(nodes) == 6
    assert {node.get_input_element_type(3) for node in nodes} == {ov.Type.f32}


def test_windows_that_are_longer_than_what_was_traced_stay():
    model = attending(local=True)
    [near] = [one for one in model.get_ops() if one.get_type_name() == "LessEqual"]
    near.input(1).replace_source_output(ops.constant(np.int64(64)).output(0))  # as ModernBERT's 128
    ids = np.random.default_rng(0).integers(0, 9, (1, 200))
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    before = np.array(ov.Core().compile_model(model, "CPU")(inputs)[0])
    replace_boolean_masks(model)
    assert np.allclose(np.array(ov.Core().compile_model(model, "CPU")(inputs)[0]), before, atol=1e-5)


@pytest.mark.parametrize(
    ("wanted", "copies", "needless"),
    [
        ([0, 12, 0, 32], True, True),
        ([0, 0, 0, 0], True, True),
        ([0, 12, 0, 32], False, False),
        ([0, 0, 384], True, False),
        ([0, 12, -1, 32], True, False),
        ([0, 6, 0, 64], True, False),
    ],
)
def test_reshapes_that_change_nothing_are_bypassed(wanted, copies, needless):
    given = ops.parameter([-1, 12, -1, 32], np.float32)
    model = ov.Model([ops.relu(ops.reshape(given, np.array(wanted), copies))], [given], "reshaped")
    before = model.outputs[0].get_partial_shape()
    assert bypass_needless_reshapes(model) == needless
    kinds = [node.get_type_name() for node in model.get_ops()]
    assert ("Reshape" in kinds) is not needless
    if needless:
        assert model.outputs[0].get_partial_shape() == before


@pytest.mark.parametrize("name", ["minilm-ner", "multilingual-ner"])
def test_the_embedded_models_have_no_needless_reshapes(name):
    [xml] = model_zoo.find(name).values()
    assert bypass_needless_reshapes(ov.Core().read_model(xml)) == 0
