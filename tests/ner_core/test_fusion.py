"""Fusion: query, key and value become one product with the same results; anything else stays."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13

import model_zoo
from ner_core.compute import borne_ways
from ner_core.engine import Engine
from ner_core.fusion import fused
from ner_core.hardware import core
from ner_core.ir import model_info, read_model
from ner_core.settings import EngineSettings

HEADS, SIZE = 2, 4
WIDTH = HEADS * SIZE


def full(numbers):
    return opset13.constant(numbers.standard_normal((WIDTH, WIDTH), np.float32))


def half(numbers):
    return opset13.convert(opset13.constant(full(numbers).get_data().astype(np.float16)), np.float32)


def in_8_bits(numbers):
    values = opset13.convert(opset13.constant(numbers.integers(0, 256, (WIDTH, WIDTH), np.uint8)), np.float16)
    zeros = opset13.convert(opset13.constant(numbers.integers(100, 156, (WIDTH, 1), np.uint8)), np.float16)
    scales = opset13.constant(numbers.uniform(0.01, 0.02, (WIDTH, 1)).astype(np.float16))
    return opset13.convert(opset13.multiply(opset13.subtract(values, zeros), scales), np.float32)


def heads_of(rows, weight, numbers, *, order=(0, 2, 1, 3)):
    product = opset13.matmul(rows, weight, transpose_a=False, transpose_b=True)
    biased = opset13.add(product, opset13.constant(numbers.standard_normal((1, 1, WIDTH), np.float32)))
    divided = opset13.reshape(biased, np.array([0, 0, HEADS, SIZE]), special_zero=True)
    return opset13.transpose(divided, np.array(order))


def attention(weight=full, *, sources=(0, 0, 0), factor=None, mask=True):
    numbers = np.random.default_rng(1)
    rows = [opset13.parameter([-1, -1, WIDTH], np.float32) for _ in range(max(sources) + 1)]
    shown = opset13.parameter([-1, 1, 1, -1], np.float32)
    inputs = [heads_of(rows[source], weight(numbers), numbers) for source in sources]
    inputs += [shown] if mask else []
    inputs += [opset13.constant(np.float32(factor))] if factor else []
    seen = opset13.scaled_dot_product_attention(*inputs, causal=False)
    return ov.Model([opset13.result(seen)], [*rows, *([shown] if mask else [])], "attention")


def products(model):
    return [node.get_type_name() for node in model.get_ops()].count("MatMul")


def run(model):
    numbers = np.random.default_rng(2)
    shapes = [(3, 1, 1, 5) if one.partial_shape.rank == 4 else (3, 5, WIDTH) for one in model.inputs]
    compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled([numbers.standard_normal(shape, np.float32) for shape in shapes])[0]


@pytest.mark.parametrize(
    "options",
    [{}, {"weight": half}, {"weight": in_8_bits}, {"factor": 0.25}, {"mask": False}],
    ids=["float32", "float16", "8 bits", "own factor", "no mask"],
)
def test_three_products_become_one_with_the_same_results(options):
    model = attention(**options)
    one = fused(model)
    assert (products(model), products(one)) == (3, 1)
    assert np.allclose(run(model), run(one), atol=1e-4)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_products_of_different_activations_stay(place):
    sources = [0, 0, 0]
    sources[place] = 1
    assert products(fused(attention(sources=sources))) == 3


def test_weights_of_different_kinds_stay():
    kinds = iter([full, half, half])
    assert products(fused(attention(lambda numbers: next(kinds)(numbers)))) == 3


@pytest.mark.parametrize("compute", ["exact", "auto"])
def test_fast_arithmetic_runs_the_fused_form_and_exact_that_of_the_file(compute):
    [xml] = model_zoo.find("minilm-ner").values()
    model = read_model(xml)
    runner = Engine(model, xml, "CPU", EngineSettings(compute=compute), borne=borne_ways(model_info(model)))
    nodes = runner._compile(None).model.get_runtime_model().get_ops()
    steps = [node.get_rt_info()["layerType"].astype(str) for node in nodes].count("FullyConnected")
    assert steps == 6 * (6 if runner.compute == "f32" else 4) + 1  # six layers, and the classifier
