"""GOps and MParams against numbers worked out by hand, for every precision."""

import pytest

from model_zoo.convert.measurement import measure

HIDDEN, LAYERS, INNER, LABELS = 32, 2, 64, 9


def expected_operations(batch, length):
    """Multiply-adds of a BERT token classifier, twice."""
    linear = 4 * HIDDEN * HIDDEN + 2 * HIDDEN * INNER
    attention = 2 * length * HIDDEN
    return 2 * batch * length * (LAYERS * (linear + attention) + HIDDEN * LABELS)


@pytest.mark.parametrize("shape", [(1, 16), (3, 64)])
def test_operations_are_those_of_the_architecture(tiny_ir, shape):
    found = measure(tiny_ir / "tiny.xml", shape)
    assert found["gops"] == pytest.approx(expected_operations(*shape) / 1e9, abs=1e-4)
    assert found["shape"] == list(shape)


def test_parameters_are_those_that_are_left_at_this_length(tiny_ir, tiny_checkpoint):
    from transformers import BertForTokenClassification

    total = sum(
        one.numel() for one in BertForTokenClassification.from_pretrained(tiny_checkpoint).parameters()
    )
    full, short = (measure(tiny_ir / "tiny.xml", (1, length))["mparams"] * 1e6 for length in (64, 16))
    assert full - short == pytest.approx(48 * HIDDEN, abs=150)  # 48 position rows fewer
    # untrained biases are zero and layer norms one: OpenVINO leaves out what does nothing
    idle = LAYERS * (4 * HIDDEN + INNER + HIDDEN + 4 * HIDDEN) + 2 * HIDDEN
    assert total - idle - 200 <= full <= total + 200


def test_ports_and_sizes(tiny_ir):
    found = measure(tiny_ir / "tiny.xml", (1, 64))
    assert [port["name"] for port in found["inputs"]] == ["input_ids", "attention_mask", "token_type_ids"]
    assert {tuple(port["shape"]) for port in found["inputs"]} == {(-1, -1)}
    assert found["outputs"] == [{"name": "output", "shape": [-1, -1, LABELS], "type": "f32"}]
    sizes = {suffix: (tiny_ir / f"tiny.{suffix}").stat().st_size for suffix in ("xml", "bin")}
    assert found["size"] == sizes | {"total": sum(sizes.values())}


def test_a_model_for_one_shape_is_measured_at_that_shape(tiny_ir, tmp_path):
    import openvino as ov

    model = ov.Core().read_model(tiny_ir / "tiny.xml")
    model.reshape({port: [2, 32] for port in model.inputs})
    ov.save_model(model, tmp_path / "fixed.xml", compress_to_fp16=False)
    found = measure(tmp_path / "fixed.xml", (1, 128))
    assert found["shape"] == [2, 32]
    assert found["gops"] == measure(tiny_ir / "tiny.xml", (2, 32))["gops"]


def test_a_length_that_the_model_does_not_have_is_said(tiny_ir):
    with pytest.raises(ValueError, match="does not take inputs of 1x100"):
        measure(tiny_ir / "tiny.xml", (1, 100))
