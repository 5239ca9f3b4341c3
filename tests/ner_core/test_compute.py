"""Which arithmetic is used: by what the processor has, what the model bears, and what the user asks."""

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

import model_zoo
from ner_core import EntityRecognizer, hardware
from ner_core.compute import EXACT, WAYS, borne_ways, fact_of, fastest_way, has_int8_weights
from ner_core.settings import EngineSettings

ALL = {"int8", "bf16", "f16"}
NAMES = [way.name for way in WAYS]


@pytest.mark.parametrize(
    ("fast", "borne", "weights", "way"),
    [
        (ALL, NAMES, True, "int8+bf16"),
        (ALL, NAMES, False, "bf16"),
        ({"int8"}, NAMES, True, "int8"),
        (ALL, ["int8", "f32"], True, "int8"),
        (ALL, ["f32"], True, "f32"),
        (set(), NAMES, True, "f32"),
        ({"f16"}, NAMES, False, "f16"),
    ],
)
def test_auto_is_the_fastest_that_processor_and_model_have(fast, borne, weights, way):
    known = [way for way in WAYS if way.name in borne]
    assert fastest_way("auto", fast, known, int8_weights=weights).name == way
    assert fastest_way("exact", fast, known, int8_weights=weights) is EXACT


def test_a_way_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"compute='bf16'.*this processor lacks.*exact, int8, f32\."):
        fastest_way("bf16", {"int8"}, WAYS, int8_weights=True)
    with pytest.raises(ValueError, match=r"it needs an INT8 model: expected auto, exact, bf16, f16, f32\."):
        fastest_way("int8", ALL, WAYS, int8_weights=False)
    with pytest.raises(ValueError, match="Unknown compute 'fast': expected auto, exact, int8"):
        EngineSettings(compute="fast")


@pytest.mark.parametrize(
    ("loss", "borne"),
    [
        ("f1 0.001", True),
        ("f1 -0.01", True),
        ("f1 0.0011", False),
        ("words 0.002", True),
        ("words 0.003", False),
        ("words", False),
        ("f1 nan", False),
        ("0", False),
        ("", False),
    ],
)
def test_losses_in_rt_info_decide_what_a_model_bears(loss, borne):
    assert (WAYS[0] in borne_ways({fact_of(WAYS[0]): loss})) is borne
    assert borne_ways({})[-1] is EXACT


def test_weights_of_8_bits_are_found(tiny_ir):
    [xml] = model_zoo.find("minilm-ner").values()
    assert has_int8_weights(ov.Core().read_model(xml))
    assert not has_int8_weights(ov.Core().read_model(tiny_ir / "tiny.xml"))
    weights = ops.multiply(ops.convert(ops.constant(np.ones((2, 2), np.int8)), "f32"), np.float32(0.5))
    given = ops.parameter([1, 2], np.float32)
    fixed = ops.fake_quantize(given, *(np.float32(number) for number in (-1, 1, -1, 1)), 256)
    model = ov.Model([ops.matmul(fixed, weights, False, False)], [given], "fixed")
    assert not has_int8_weights(model)


def test_results_say_what_was_used_and_exact_is_f32():
    text = "Mary lives in Santa Clara and works at NVIDIA."
    exact = model_zoo.load("minilm-ner", device="CPU", compute="exact")(text)
    found = model_zoo.load("minilm-ner", device="CPU")(text)
    fast = hardware.fast_arithmetic()
    expected = next(way.name for way in WAYS if way.needs <= fast and way.name != "f16")
    assert exact.compute == exact.to_dict()["compute"] == "f32"
    assert found.compute == expected
    assert [one.text for one in found.entities] == [one.text for one in exact.entities]
    assert [one.score for one in found.entities] == pytest.approx([e.score for e in exact.entities], abs=0.02)


def test_arithmetic_that_fails_gives_way_to_exact(tiny_ir, monkeypatch):
    """A processor that has less than it says: the first run fails."""
    from ner_core import engine

    monkeypatch.setattr(engine, "fast_arithmetic", lambda: {"bf16"})
    monkeypatch.setattr("ner_core.forks.borne_ways", lambda info: WAYS)
    finish, used = engine.CompiledModel.finish, []

    def broken(self, request):
        used.append(self)
        if self is used[0]:  # not all processors compile what they are asked for
            request.wait()
            raise RuntimeError("could not create a primitive")
        return finish(self, request)

    monkeypatch.setattr(engine.CompiledModel, "finish", broken)
    ner = EntityRecognizer.from_ir(tiny_ir, device="CPU")
    assert ner.compute == "bf16"
    found = ner("Mary lives in Santa Clara.")
    assert found.compute == "f32"
    assert "bf16 failed on CPU, f32 instead: could not create a primitive." in found.notes
