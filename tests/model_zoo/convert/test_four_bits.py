"""Tables of embeddings on a grid of 4 bits: stored so, and nothing else."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from model_zoo.convert.four_bits import store_in_four_bits


def table(rows: int = 50, columns: int = 64) -> np.ndarray:
    rng = np.random.default_rng(2)
    steps = rng.integers(-8, 8, (rows, columns // 32, 32))
    steps[..., 3] = -8
    scales = rng.normal(scale=0.1, size=(rows, columns // 32, 1)).astype(np.float16).astype(np.float32)
    scales[7] = 0
    return (steps * scales).reshape(rows, columns).astype(np.float32)


def model(weights: np.ndarray) -> ov.Model:
    ids = ops.parameter([-1, -1], ov.Type.i64, name="ids")
    looked_up = ops.gather(ops.constant(weights), ids, ops.constant(0))
    return ov.Model(
        [ops.matmul(looked_up, ops.constant(np.eye(weights.shape[1], dtype=np.float32)), False, False)], [ids]
    )


def test_a_table_on_the_grid_takes_a_seventh_and_loses_nothing(tmp_path):
    weights = table()
    made = model(weights)
    assert store_in_four_bits(made) == 1
    ov.save_model(made, tmp_path / "m.xml", compress_to_fp16=False)
    ids = np.arange(50)[None]
    found = ov.compile_model(tmp_path / "m.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([ids])[0]
    assert np.array_equal(found[0], weights)
    eye = 64 * 64 * 4
    assert (tmp_path / "m.bin").stat().st_size - eye < weights.nbytes / 6.5


@pytest.mark.parametrize(
    "weights",
    [
        np.random.default_rng(3).normal(size=(40, 64)).astype(np.float32),
        table() * np.float32(1.0001),
        table()[:, :40].copy(),
    ],
    ids=["any numbers", "scales that are not float16", "a width that is not of blocks"],
)
def test_other_tables_stay_as_they_are(weights):
    assert store_in_four_bits(model(weights)) == 0
