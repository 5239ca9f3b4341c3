import gc
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino.preprocess import PrePostProcessor

from ner_core import compiled, engine, hardware
from ner_core.batching import stack
from ner_core.compute import EXACT
from ner_core.engine import Engine
from ner_core.hardware import DeviceError
from ner_core.ir import read_model
from ner_core.recognizer import EntityRecognizer
from ner_core.settings import EngineSettings
from tests.conftest import assert_alike

TEXT = "Mary lives in Santa Clara. The Yorkers landed in New York."


@pytest.fixture(scope="module")
def xml(tiny_ir):
    return tiny_ir / "tiny.xml"


def made(xml, device="CPU", borne=(EXACT,), **settings):
    return Engine(read_model(xml), xml, device, EngineSettings(**settings), borne=borne)


def batch(rows=2, length=8, following=0):
    ids = np.arange(5, 5 + length - 2, dtype=np.int32)
    return stack([(ids, None)] * rows, prefix=(2,), suffix=(3,), pad_id=0, following=following)


def test_logits_have_the_shape_of_the_batch(xml):
    shapes = [(1, 4), (2, 8), (3, 16), (1, 5)]
    results = [logits.copy() for logits in made(xml).run(batch(*shape) for shape in shapes)]
    assert [logits.shape for logits in results] == [(*shape, 9) for shape in shapes]
    assert all(logits.dtype == np.float32 for logits in results)


def test_order_is_kept_over_many_requests(xml):
    runner = made(xml, hint="THROUGHPUT", streams=2)
    alone = [next(runner.run([batch(1, length)])).copy() for length in range(3, 30)]
    together = [logits.copy() for logits in runner.run(batch(1, length) for length in range(3, 30))]
    for one, other in zip(alone, together, strict=True):
        assert np.allclose(one, other, atol=1e-4)


def hints(runner):
    return [hint for _, hint in runner._plans]


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(engine, "processors", lambda: 2)
    monkeypatch.setattr(engine, "_PAYBACK", -1)  # compiling has paid for itself


def test_long_runs_are_compiled_for_throughput(xml, two_processors):
    runner = made(xml)
    alone = [next(runner.run([batch(1, length)])).copy() for length in range(3, 20)]
    assert hints(runner) == ["LATENCY"]  # texts one at a time, however many
    together = [logits.copy() for logits in runner.run(batch(1, length) for length in range(3, 20))]
    assert hints(runner) == ["LATENCY", "THROUGHPUT"]
    for one, other in zip(alone, together, strict=True):
        assert np.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(("following", "begun"), [(10, False), (1000, True)])
def test_work_that_is_known_begins_compiling_at_once(xml, monkeypatch, following, begun):
    monkeypatch.setattr(engine, "processors", lambda: 2)
    runner = made(xml)
    runner._plans[None, "LATENCY"].seconds = 0.1
    runner._used, runner._batches = 0.05, 10  # 5 ms a batch
    runner._hint_for(following)
    assert ((None, "THROUGHPUT") in runner._plans) is begun


def test_a_run_goes_on_where_no_parallel_streams_can_be_had(xml, two_processors, monkeypatch):
    runner = made(xml)

    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(engine, "compile_once", missing)
    assert len(list(runner.run(batch(1, length) for length in range(3, 20)))) == 17
    assert runner._plans[None, "THROUGHPUT"] is runner._plans[None, "LATENCY"]


@pytest.mark.parametrize(("batches", "hint"), [(7, "LATENCY"), (8, "THROUGHPUT")])
def test_short_runs_have_all_processors_for_each_batch(xml, two_processors, monkeypatch, batches, hint):
    runner, used = made(xml), []
    runner._compile(None, "THROUGHPUT")
    compiled_for = runner._compile
    monkeypatch.setattr(runner, "_compile", lambda *given: used.append(compiled_for(*given)) or used[-1])
    assert len(list(runner.run(batch(1, 9, batches - 1 - number) for number in range(batches)))) == batches
    assert {one.model.get_property("PERFORMANCE_HINT") for one in used} == {hint}


@pytest.mark.parametrize(
    "options",
    [{"hint": "LATENCY"}, {"streams": 1}, {"threads": 1}, {"static_shapes": [(1, 16)]}],
    ids=lambda options: str(options),
)
def test_who_asks_for_something_gets_that_alone(xml, two_processors, options):
    runner = made(xml, **options)
    assert len(list(runner.run([batch(1, 16)] * 9))) == 9
    assert hints(runner) == ["LATENCY"]


def test_an_abandoned_run_gives_its_requests_back(xml):
    runner = made(xml, streams=2)
    running = runner.run(batch(1, length) for length in range(3, 30))
    next(running)
    running.close()
    assert len(list(runner.run([batch()]))) == 1
    used = runner._compile(None)
    assert len(used._idle) <= used.parallel + 1


def test_compiled_models_are_shared_and_let_go(xml):
    one, other = made(xml, threads=1, streams=1), made(xml, threads=1, streams=1)
    assert one._compile(None) is other._compile(None)
    assert one._compile(None) is not made(xml)._compile(None)
    key = next(key for key, value in compiled._compiled.items() if value is one._compile(None))
    del one, other
    gc.collect()
    assert key not in compiled._compiled


def test_threads_compile_once(xml):
    found = []

    def compile_one():
        found.append(made(xml, threads=1)._compile(None))

    threads = [threading.Thread(target=compile_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1


@pytest.mark.parametrize("device", ["AUTO", "AUTO:CPU", "HETERO:CPU", "MULTI:CPU", "BATCH:CPU", "auto:-gpu"])
def test_every_expression_gives_the_same_entities(tiny_ner, xml, device):
    ner = EntityRecognizer.from_ir(xml, device=device)
    found = ner(TEXT)
    assert_alike(found, tiny_ner(TEXT))
    if hardware.devices()[0].name == "CPU" and len(hardware.devices()) == 1:
        assert found.device == "CPU"


@pytest.mark.parametrize("hint", ["LATENCY", "THROUGHPUT"])
def test_settings_are_passed_on(tiny_ner, xml, hint, tmp_path):
    ner = EntityRecognizer.from_ir(
        xml, device="CPU", hint=hint, streams=2, threads=2, cache_dir=tmp_path / "cache"
    )
    assert_alike(ner(TEXT), tiny_ner(TEXT))
    model = ner._engine._compile(None).model
    threads = model.get_property("INFERENCE_NUM_THREADS")
    assert threads == min(2, len(os.sched_getaffinity(0)))  # OpenVINO takes no more than the process may use
    assert model.get_property("NUM_STREAMS") == threads
    assert list((tmp_path / "cache").rglob("*.blob"))


def test_weights_may_be_cut_or_replaced_while_they_are_in_use(tiny_ner, xml, tmp_path):
    folder = shutil.copytree(xml.parent, tmp_path / "FP32")
    ner = EntityRecognizer.from_ir(folder, device="CPU")
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(folder) not in maps.read_text()  # reading it would end this process
    os.truncate(folder / "tiny.bin", 0)
    assert ner(TEXT).entities == tiny_ner(TEXT).entities


def test_threads_are_not_pinned_where_other_processes_have_the_rest(xml, monkeypatch):
    monkeypatch.setattr(engine.os, "cpu_count", lambda: 2)
    shared = made(xml, threads=1)
    assert shared._compile(None).model.get_property("ENABLE_CPU_PINNING") is False
    assert "ENABLE_CPU_PINNING" not in made(xml, threads=2)._config()
    assert "ENABLE_CPU_PINNING" not in made(xml)._config()


def test_a_cpu_computes_in_f32_where_nothing_else_is_borne(xml):
    assert made(xml)._compile(None).model.get_property("INFERENCE_PRECISION_HINT") == ov.Type.f32
    assert made(xml, device="AUTO")._config()["INFERENCE_PRECISION_HINT"] == "f32"
    if "bf16" in hardware.fast_arithmetic():
        bf16 = made(xml, compute="bf16")
        assert bf16._compile(None).model.get_property("INFERENCE_PRECISION_HINT") == ov.Type.bf16


@pytest.mark.parametrize("device", ["CPU", "AUTO"])
def test_what_is_prepared_for_shapes_is_bounded(xml, device):
    answering, annotating = made(xml, device=device), made(xml, device=device, hint="THROUGHPUT")
    assert 0 < answering._config()["CPU_RUNTIME_CACHE_CAPACITY"] < 500
    assert 0 < annotating._config("THROUGHPUT")["CPU_RUNTIME_CACHE_CAPACITY"] < 5000


def test_a_cpu_beside_others_computes_in_f32_too(xml, monkeypatch):
    runner = made(xml)
    two = [hardware.Device("CPU", "A CPU"), hardware.Device("GPU", "A GPU")]
    monkeypatch.setattr(hardware, "devices", lambda: two)
    beside = {"CPU": EXACT.config}
    for expression in ("AUTO", "AUTO:GPU,CPU", "HETERO:GPU,CPU"):
        runner.expression = expression
        assert runner._config()["DEVICE_PROPERTIES"] == beside
        assert "INFERENCE_PRECISION_HINT" not in runner._config()
    runner.expression = "AUTO:-GPU"
    assert runner._config()["INFERENCE_PRECISION_HINT"] == "f32"
    runner.expression = "GPU"
    assert runner._config() == {"PERFORMANCE_HINT": "LATENCY"}


def test_inputs_of_32_bits_are_served(xml, tmp_path, tiny_ner):
    steps = PrePostProcessor(read_model(xml))
    for index in range(3):
        steps.input(index).tensor().set_element_type(ov.Type.i32)
    shutil.copy(xml.parent / "tokenizer.json", tmp_path)
    ov.save_model(steps.build(), tmp_path / "narrow.xml", compress_to_fp16=False)
    narrow = EntityRecognizer.from_ir(tmp_path, device="CPU", max_length=64, labels=tiny_ner.tags)
    assert narrow._engine._ports.inputs["input_ids"] is np.int32
    assert narrow(TEXT).entities == tiny_ner(TEXT).entities


def test_wrong_settings_are_refused(xml):
    with pytest.raises(ValueError, match="hint 'FAST': expected AUTO, LATENCY, THROUGHPUT"):
        made(xml, hint="FAST")


def test_missing_devices_fall_back_only_if_asked(xml):
    with pytest.raises(DeviceError, match="no device TPU"):
        EntityRecognizer.from_ir(xml, device="TPU")
    found = EntityRecognizer.from_ir(xml, device="TPU", fallback=True)(TEXT)
    assert found.device == "CPU"
    assert "TPU is not used, CPU instead" in found.notes[0]


def test_a_device_that_cannot_compile_falls_back(xml, monkeypatch):
    monkeypatch.setattr(engine, "check_device", lambda expression: expression)
    with pytest.raises(DeviceError, match=r"CPU\.3 cannot run tiny.xml") as caught:
        made(xml, device="CPU.3")
    assert "\n" not in str(caught.value)
    assert "CPU.3 is not used" in made(xml, device="CPU.3", fallback=True).notes[0]


def test_a_device_that_disappears_falls_back(xml, monkeypatch):
    expected = next(made(xml).run([batch()])).copy()

    def lost(self, request):
        request.wait()
        if self is broken:
            msg = "Exception from device\nit is gone."
            raise RuntimeError(msg)
        return request.get_tensor(self._output).data

    monkeypatch.setattr(engine.CompiledModel, "finish", lost)
    strict = made(xml, device="AUTO:CPU", streams=1)
    broken = strict._compile(None)
    with pytest.raises(DeviceError, match=r"AUTO:CPU failed while running tiny\.xml .it is gone"):
        list(strict.run([batch()]))
    lenient = made(xml, device="AUTO:CPU", streams=1, fallback=True)
    assert lenient._compile(None) is broken
    results = [logits.copy() for logits in lenient.run([batch()] * 5)]
    assert len(results) == 5
    assert all(np.allclose(logits, expected, atol=1e-4) for logits in results)
    assert lenient.notes == ("AUTO:CPU failed while running, CPU instead: it is gone.",)
    assert lenient.device == "CPU"


def test_static_shapes_give_the_same_entities(tiny_ner, xml):
    ner = EntityRecognizer.from_ir(xml, device="CPU", static_shapes=[(1, 16), (4, 8), (2, 32)])
    texts = [TEXT, "Mary", "New York " * 50, "", "San in An " * 5]
    for one, other in zip(ner.batch(texts), tiny_ner.batch(texts), strict=True):
        if len(other.text) < 100:
            assert_alike(one, other)
    assert ner.max_length == 32
    assert ner(texts[2]).windows > 3
    assert sorted(shape for shape, _ in ner._engine._plans) == [(1, 16), (2, 32), (4, 8)]


def test_a_model_with_fixed_inputs_is_honoured(tiny_ner, xml, tmp_path):
    model = read_model(xml)
    model.reshape({port: [1, 24] for port in model.inputs})
    ov.save_model(model, tmp_path / "fixed.xml", compress_to_fp16=False)
    (tmp_path / "tokenizer.json").write_bytes((xml.parent / "tokenizer.json").read_bytes())
    ner = EntityRecognizer.from_ir(tmp_path, device="CPU")
    assert ner.max_length == 24
    assert_alike(ner(TEXT), tiny_ner(TEXT))
    assert ner(TEXT * 5).windows > 5
    with pytest.raises(ValueError, match=r"fixed inputs of \(1, 24\)"):
        EntityRecognizer.from_ir(tmp_path, device="CPU", static_shapes=[(1, 8)])


def test_a_model_with_a_fixed_number_of_rows_becomes_dynamic(tiny_ner, xml, tmp_path):
    model = read_model(xml)
    model.reshape({port: [1, -1] for port in model.inputs})
    ov.save_model(model, tmp_path / "row.xml", compress_to_fp16=False)
    (tmp_path / "tokenizer.json").write_bytes((xml.parent / "tokenizer.json").read_bytes())
    found = EntityRecognizer.from_ir(tmp_path, device="CPU").batch([TEXT] * 3)
    assert_alike(found[2], tiny_ner(TEXT))


def test_other_models_are_refused(tmp_path):
    import openvino.opset13 as ops

    pixels = ops.parameter([-1, 3], np.float32, name="pixels")
    pixels.output(0).get_tensor().set_names({"pixels"})
    model = ov.Model([ops.relu(pixels)], [pixels], "other")
    with pytest.raises(ValueError, match="input 'pixels' is unknown"):
        Engine(model, tmp_path / "other.xml", device="CPU")


def test_an_npu_gets_a_few_fixed_shapes(xml, monkeypatch, tiny_ner):
    """No NPU is at hand: its expression is compiled for the CPU, with the shapes that an NPU would get."""
    monkeypatch.setattr(engine, "check_device", lambda expression: expression)
    compile_model = hardware.core().compile_model

    class Core:
        def compile_model(self, model, device, config):
            assert device == "NPU"
            assert model.is_dynamic() is False
            return compile_model(model, "CPU", {})

    monkeypatch.setattr(compiled, "core", Core)
    ner = EntityRecognizer.from_ir(xml, device="NPU")
    assert [e.text for e in ner(TEXT).entities] == [e.text for e in tiny_ner(TEXT).entities]
    assert ner.max_length == 64
    assert ner.batch([TEXT, "Mary"])[1].windows == 1
    assert sorted(shape for shape, _ in ner._engine._plans) == [(1, 32), (1, 64)]


def test_logits_that_are_no_numbers_are_an_error(xml, tmp_path):
    model = read_model(xml)
    result = model.get_results()[0]
    result.input(0).replace_source_output(
        ov.opset13.divide(result.input_value(0), np.float32(0)).output(0)  # infinite, and NaN where it was 0
    )
    ov.save_model(model, tmp_path / "broken.xml", compress_to_fp16=False)
    shutil.copy(xml.parent / "tokenizer.json", tmp_path)
    ner = EntityRecognizer.from_ir(tmp_path, device="CPU")
    with pytest.raises(DeviceError, match=r"broken\.xml on CPU \(computing in f32, OpenVINO 20.*NaN"):
        ner(TEXT)
    assert ner("").entities == ()
