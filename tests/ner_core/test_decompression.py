import numpy as np
import openvino as ov
import pytest
from openvino import opset13

from ner_core import engine
from ner_core.decompression import decompressed
from ner_core.engine import Engine
from ner_core.hardware import core
from ner_core.ir import read_model
from ner_core.settings import EngineSettings


def product(weights):
    given = opset13.parameter([-1, 8], np.float32)
    return ov.Model([opset13.matmul(given, weights, transpose_a=False, transpose_b=True)], [given], "product")


def compressed(seed, *, points=True, half=True):
    numbers = np.random.default_rng(seed)
    kind = np.float16 if half else np.float32
    matrix = opset13.convert(opset13.constant(numbers.integers(0, 256, (4, 8), np.uint8)), kind)
    if points:
        zeros = opset13.convert(opset13.constant(numbers.integers(100, 156, (4, 1), np.uint8)), kind)
        matrix = opset13.subtract(matrix, zeros)
    scaled = opset13.multiply(matrix, opset13.constant(numbers.uniform(0.01, 0.02, (4, 1)).astype(kind)))
    return opset13.convert(scaled, np.float32) if half else scaled


@pytest.mark.parametrize("options", [{}, {"points": False}, {"half": False}])
def test_matrices_become_the_numbers_that_they_stand_for(options):
    model = product(compressed(1, **options))
    plain = decompressed(model)
    assert {"Multiply", "Convert"} & {node.get_type_name() for node in model.get_ops()}
    assert {node.get_type_name() for node in plain.get_ops()} == {"Parameter", "Constant", "MatMul", "Result"}
    rows = np.random.default_rng(2).standard_normal((3, 8), np.float32)
    exact = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
    one, other = (core().compile_model(each, "CPU", exact)(rows)[0] for each in (model, plain))
    assert np.allclose(one, other, atol=1e-4)


def test_other_matrices_stay():
    given = opset13.parameter([4, 8], np.float32)
    rows = opset13.parameter([-1, 8], np.float32)
    scaled = opset13.multiply(given, np.float32(2))
    model = ov.Model(
        [opset13.matmul(rows, scaled, transpose_a=False, transpose_b=True)], [rows, given], "other"
    )
    assert [node.get_type_name() for node in decompressed(model).get_ops()].count("Multiply") == 1


def test_exact_arithmetic_has_plain_matrices_and_the_same_logits(embedded, monkeypatch):
    xml, batch = embedded
    plain = Engine(read_model(xml), xml, "CPU", EngineSettings(compute="exact"))
    monkeypatch.setattr(engine, "has_int8_weights", lambda model: False)
    packed = Engine(read_model(xml), xml, "CPU", EngineSettings(compute="exact", threads=1))
    one, other = (next(each.run([batch])).copy() for each in (plain, packed))
    assert np.allclose(one, other, atol=1e-4)
    assert bytes_kept(plain) < bytes_kept(packed) / 4  # embeddings alone


def bytes_kept(runner):
    nodes = runner._compile(None).model.get_runtime_model().get_ops()
    return [node.get_rt_info()["outputPrecisions"].value for node in nodes].count("u8")


@pytest.fixture(scope="module")
def embedded():
    import model_zoo
    from ner_core.batching import stack

    [xml] = model_zoo.find("minilm-ner").values()
    return xml, stack([(np.arange(2000, 2020), None)], prefix=(101,), suffix=(102,), pad_id=0)
