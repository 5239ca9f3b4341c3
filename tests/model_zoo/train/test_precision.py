"""Training computes in bfloat16 where a layer is faster in it."""

import pytest

from tests.lazily import precision, torch


@pytest.mark.parametrize(("bf16", "float32", "faster"), [(1.0, 2.5, True), (1.8, 1.0, False)])
def test_the_faster_of_both_is_chosen(monkeypatch, bf16, float32, faster):
    times = {True: bf16, False: float32}
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr("model_zoo.train.precision.layer_seconds", lambda *, bf16: times[bf16])
    precision.bf16_is_faster.cache_clear()
    try:
        assert precision.bf16_is_faster() is faster
    finally:
        precision.bf16_is_faster.cache_clear()


def test_timing_a_layer_leaves_the_random_numbers_of_the_training_alone():
    before = torch.random.get_rng_state()
    assert precision.layer_seconds(bf16=False) > 0
    assert precision.layer_seconds(bf16=True) > 0
    assert torch.equal(torch.random.get_rng_state(), before)
