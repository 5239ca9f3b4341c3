"""Conversion: the contract of the IR, parity, every family, ONNX; a failure leaves what was there."""

import functools
import json
import shutil
import sys
import threading

import numpy as np
import openvino as ov
import pytest

import model_zoo
from model_zoo.catalog.suitability import families
from model_zoo.convert import conversion, parity, tracing
from model_zoo.convert.checkpoints.loading import load_checkpoint
from model_zoo.convert.conversion import ConversionError, convert_checkpoint
from model_zoo.convert.workers import WorkerError, run_worker, workers_ended
from model_zoo.convert.workplace import publish, workplace
from ner_core import EntityRecognizer
from ner_core.compute import WAYS, fact_of, ways_of
from ner_core.hardware import fast_arithmetic
from ner_core.ir import model_info
from tests.conftest import wait_until
from tests.lazily import torch
from tests.model_zoo.convert.checkpoint_folders import (
    ARCHITECTURES,
    edit_config,
    make_architecture,
    widen_types,
)
from tests.tiny_bert import TINY_LABELS


@pytest.mark.nightly
def test_workers_make_what_this_process_makes(converted, tiny_checkpoint, tmp_path):
    convert_checkpoint(tiny_checkpoint, tmp_path, "tiny", precisions=["FP32", "FP16", "INT8"])
    folder, _, _ = converted
    for precision in ("FP32", "FP16", "INT8"):
        inputs = random_inputs(3, 31)
        expected, found = (run(each / precision / "tiny.xml", inputs) for each in (folder, tmp_path))
        assert np.array_equal(expected, found)
        assert (tmp_path / precision / "tokenizer.json").read_bytes() == (
            folder / precision / "tokenizer.json"
        ).read_bytes()


@functools.lru_cache(maxsize=3)
def compiled(xml):
    return ov.Core().compile_model(xml, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def run(xml, inputs):
    return compiled(xml)(inputs)["output"]


def random_inputs(batch, length, vocabulary=100, seed=0):
    generator = np.random.default_rng(seed)
    mask = np.ones((batch, length), np.int64)
    mask[1:, (length + 1) // 2 :] = 0
    return {
        "input_ids": generator.integers(5, vocabulary, (batch, length)) * mask,
        "attention_mask": mask,
        "token_type_ids": generator.integers(0, 2, (batch, length)) * mask,
    }


def files_of(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# The contract


def test_the_folder_is_the_contracts(converted):
    folder, made, _ = converted
    found = sorted(
        str(file.relative_to(folder)) for file in folder.rglob("*") if not file.name.startswith(".")
    )
    files = ["tiny.bin", "tiny.xml", "tokenizer.json"]
    assert found == sorted(
        [f"{precision}/{name}" for precision in ("FP16", "FP32", "INT8") for name in files]
        + ["FP16", "FP32", "INT8"]
    )
    assert [one.xml for one in made] == [folder / one.precision / "tiny.xml" for one in made]
    tokenizer = json.loads((folder / "FP32" / "tokenizer.json").read_text())
    assert (tokenizer["truncation"], tokenizer["padding"]) == (None, None)


@pytest.mark.parametrize("precision", ["FP32", "FP16", "INT8"])
def test_ports_and_facts_are_the_contracts(converted, precision):
    folder, made, _ = converted
    model = ov.Core().read_model(folder / precision / "tiny.xml")
    assert [port.get_any_name() for port in model.inputs] == ["input_ids", "attention_mask", "token_type_ids"]
    assert {port.get_element_type() for port in model.inputs} == {ov.Type.i64}
    assert {str(port.get_partial_shape()) for port in model.inputs} == {"[?,?]"}
    assert [port.names for port in model.outputs] == [{"output"}]
    assert str(model.output(0).get_partial_shape()) == "[?,?,9]"
    assert model.output(0).get_element_type() == ov.Type.f32
    info = model_info(model)
    assert info["labels"].split() == list(TINY_LABELS)
    assert info["model_type"] == "bert"
    assert info["max_length"] == "64"
    assert info["tag_scheme"] == "IOB2"
    assert info["token_type_ids"] == "segments"
    assert info["model_name"] == "tiny"
    assert info["precision"] == precision
    assert info["source_checksum"].startswith("sha384:")
    assert {"openvino_version", "torch_version", "transformers_version"} <= set(info)
    [result] = [one for one in made if one.precision == precision]
    assert float(info["parity"]) == pytest.approx(result.parity, rel=0.01, abs=1e-9)
    ways = [way for way in ways_of(fast_arithmetic()) if precision == "INT8" or not way.group]
    for way in WAYS[:-1]:
        unit, _, loss = info[fact_of(way)].partition(" ")
        assert (unit == "words" and 0 <= float(loss) < 0.2) if way in ways else unit == "unmeasured"


def test_the_ir_computes_what_transformers_computes(converted, tiny_checkpoint):
    from transformers import BertForTokenClassification

    folder, made, _ = converted
    model = BertForTokenClassification.from_pretrained(tiny_checkpoint).eval()
    sizes = {"FP32": 1e-4, "FP16": 0.2, "INT8": 4.0}
    for batch, length in ((1, 1), (1, 7), (3, 31), (2, 64)):
        inputs = random_inputs(batch, length)
        with torch.no_grad():
            expected = model(
                **{name: torch.from_numpy(array) for name, array in inputs.items()}
            ).logits.numpy()
        seen = inputs["attention_mask"].astype(bool)
        for precision, size in sizes.items():
            found = run(folder / precision / "tiny.xml", inputs)
            assert np.abs(found - expected)[seen].max() < size
    assert made[0].parity < 1e-4
    assert made[0].parity < made[1].parity < made[2].parity


def test_weights_take_the_room_of_their_precision(converted):
    folder, _, _ = converted
    sizes = {
        precision: (folder / precision / "tiny.bin").stat().st_size for precision in ("FP32", "FP16", "INT8")
    }
    assert sizes["FP16"] < 0.6 * sizes["FP32"]
    assert (
        sizes["INT8"] < 0.45 * sizes["FP32"]
    )  # a scale and zero point for each 32 numbers of so small a model


def test_eight_bit_weights_leave_activations_alone(converted):
    folder, _, _ = converted
    compiled = ov.Core().compile_model(folder / "INT8" / "tiny.xml", "CPU")
    assert compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE") == 0


def test_a_copied_folder_recognizes(converted, tmp_path):
    from ner_core import EntityRecognizer

    folder, _, _ = converted
    copy = shutil.copytree(folder / "INT8", tmp_path / "elsewhere")
    ner = EntityRecognizer.from_ir(copy / "tiny.xml", device="CPU")
    assert list(ner.tags) == list(TINY_LABELS)
    ner("Mary lives in Santa Clara.")


def test_progress_is_told(converted):
    _, made, events = converted
    assert [event["$type"] for event in events] == ["model_conversion_progress"] * 2 + [
        "model_conversion_result",
        *["model_conversion_progress", "model_conversion_result"] * 2,
    ]
    assert {event["model"] for event in events} == {"tiny"}
    assert json.loads(json.dumps(events[2]))["parity"] == made[0].parity


# Variants


def test_a_static_variant_has_one_shape(tiny_checkpoint, tmp_path, traced_here):
    [made] = convert_checkpoint(tiny_checkpoint, tmp_path, "tiny", precisions=["FP32"], input_shape=(2, 16))
    assert made.xml == tmp_path / "FP32-2x16" / "tiny.xml"
    model = ov.Core().read_model(made.xml)
    assert {str(port.get_partial_shape()) for port in model.inputs} == {"[2,16]"}
    assert made.parity < 1e-4
    ner = model_zoo.load(tmp_path, device="CPU", precision="FP32-2x16")
    assert len(ner.batch(["Mary lives in Santa Clara."] * 3)) == 3


def test_casing_ids_are_said_and_compared(tiny_checkpoint, tmp_path, traced_here):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "checkpoint")
    edit_config(folder, token_type_ids="word_casing")
    widen_types(folder)
    [made] = convert_checkpoint(folder, tmp_path / "out", "tiny", precisions=["FP32"])
    info = ov.Core().read_model(made.xml).get_rt_info(["model_info", "token_type_ids"]).value
    assert info == "word_casing"
    inputs = parity.samples(made.xml.with_name("tokenizer.json"), load_checkpoint(folder))
    assert set(np.unique(inputs[-1]["token_type_ids"])) == {0, 1, 2, 3}  # the sentences have all four casings


def test_labels_with_spaces_stay_one_label(tiny_checkpoint, tmp_path, traced_here):
    names = ["O", *(f"B-kind {index}" for index in range(8))]
    [made] = convert_checkpoint(
        tiny_checkpoint,
        tmp_path,
        "tiny",
        precisions=["FP32"],
        overrides={"labels": names, "lower_case": None},
    )
    info = ov.Core().read_model(made.xml).get_rt_info(["model_info", "labels"]).value
    assert info.split() == [name.replace(" ", "_") for name in names]
    assert EntityRecognizer.from_ir(made.xml, device="CPU").labels == [f"kind {index}" for index in range(8)]


def test_a_model_whose_scores_depend_on_padding_is_refused(tmp_path, traced_here, monkeypatch):
    monkeypatch.setattr(families, "REFUSED_FAMILIES", {})
    monkeypatch.setattr(families, "FAMILIES", {"convbert"})
    source = make_architecture(tmp_path / "convbert", "convbert")
    with pytest.raises(ConversionError, match=r"scores of a text change by .* with padding and neighbours"):
        convert_checkpoint(source, tmp_path / "out", "convbert", precisions=["FP32"])
    assert not list((tmp_path / "out").glob("FP*"))


@pytest.mark.parametrize(
    "name", [name for name in ARCHITECTURES if name not in {"bert", "xlm-roberta", "deberta"}]
)
def test_every_family_converts(tmp_path, traced_here, name):
    source = make_architecture(tmp_path / name, name)
    [made] = convert_checkpoint(source, tmp_path / "out", name, precisions=["FP32"])
    assert made.parity < 1e-4
    names = [port.get_any_name() for port in ov.Core().read_model(made.xml).inputs]
    assert names == ["input_ids", "attention_mask", "token_type_ids"][: 3 if name == "electra" else 2]


# Failures


def test_a_graph_that_differs_is_not_kept(tiny_checkpoint, tiny_ir, tmp_path, traced_here, monkeypatch):
    before = files_of(shutil.copytree(tiny_ir, tmp_path / "FP32"))
    real = tracing.convert_module

    def wrong(checkpoint):
        with torch.no_grad():
            checkpoint.module.model.classifier.bias[3] += 0.1
        return real(checkpoint)

    monkeypatch.setattr(tracing, "convert_module", wrong)
    with pytest.raises(ConversionError, match=r"FP32 differs from its source by 0\.1 .*Nothing was kept"):
        convert_checkpoint(tiny_checkpoint, tmp_path, "tiny", precisions=["FP32"])
    assert files_of(tmp_path / "FP32") == before


def test_a_graph_whose_length_was_frozen_is_not_kept(tiny_checkpoint, tmp_path, traced_here, monkeypatch):
    real = tracing.convert_module

    def frozen(checkpoint):
        module = checkpoint.module
        forward = module.forward
        # what careless code does while it is traced: a mask of the example's length
        module.forward = lambda input_ids, attention_mask, token_type_ids: forward(
            input_ids, attention_mask[:, :13], token_type_ids
        )
        return real(checkpoint)

    monkeypatch.setattr(tracing, "convert_module", frozen)
    with pytest.raises(ConversionError, match="traced for one length only"):
        convert_checkpoint(tiny_checkpoint, tmp_path, "tiny", precisions=["FP32"])
    assert not list(tmp_path.glob("FP*"))


@pytest.mark.parametrize("length", [1, 2, 65, 128])
def test_a_shape_that_the_model_cannot_take_is_refused(tiny_checkpoint, tmp_path, traced_here, length):
    expected = f"--input_shape: expected a length from 3 to 64, found {length}"
    with pytest.raises(ConversionError, match=expected):
        convert_checkpoint(tiny_checkpoint, tmp_path, "tiny", precisions=["FP32"], input_shape=(1, length))
    assert not list(tmp_path.glob("FP*"))


def test_a_length_beyond_the_positions_is_said(tiny_checkpoint, tmp_path, traced_here):
    with pytest.raises(ConversionError, match=r"fails on inputs of up to 512 pieces: The size of tensor"):
        convert_checkpoint(tiny_checkpoint, tmp_path, "tiny", overrides={"max_length": 5000})


def test_what_a_checkpoint_lacks_is_said_in_full(tmp_path, tiny_checkpoint, traced_here):
    deep = tmp_path / ("deep" * 50)
    shutil.copytree(tiny_checkpoint, deep)
    (deep / "model.safetensors").unlink()
    with pytest.raises(ConversionError, match=r"whole or in shards\.$"):
        convert_checkpoint(deep, tmp_path / "out", "x" * 150, precisions=["FP32"])


def test_not_a_number_is_a_difference():
    mask = [{"attention_mask": np.array([[1, 1]])}]
    good = [np.zeros((1, 2, 1), np.float32)]
    assert parity.difference(mask, good, [np.full((1, 2, 1), np.nan, np.float32)])[0] == float("inf")
    assert parity.difference(mask, good, [np.zeros((1, 1, 1), np.float32)])[0] == float("inf")


def test_unknown_precisions_are_listed(tmp_path):
    with pytest.raises(ConversionError, match=r"INT4: expected FP32, FP16, INT8"):
        convert_checkpoint(tmp_path, tmp_path, "x", precisions=["INT4"])
    with pytest.raises(ConversionError, match=r"made by quantizer\.py"):
        convert_checkpoint(tmp_path, tmp_path, "x", precisions=["FP16-INT8"])


def test_a_kill_between_the_renames_loses_nothing(tmp_path):
    def folder(name, content):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(content)
        return tmp_path / name

    folder(".FP32.previous", "old")  # the old one was moved away, the new one had not arrived
    publish(folder("made", "new"), tmp_path / "FP32")
    assert (tmp_path / "FP32" / "file").read_text() == "new"
    folder(".FP32.previous", "older")  # both renames were made, the old one was not deleted
    publish(folder("made", "newest"), tmp_path / "FP32")
    assert (tmp_path / "FP32" / "file").read_text() == "newest"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["FP32"]


# Processes


def test_a_missing_torch_says_what_to_install(tiny_checkpoint, tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConversionError, match=r"needs torch.*pip install \"ner-zoo\[convert\]\""):
        convert_checkpoint(tiny_checkpoint, tmp_path / "out", "tiny", precisions=["FP32"])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("CheckpointError('expected one\\nof two')", "expected one\nof two"),
        ("OSError(28, 'No space left on device')", "{folder}: No space left on device"),
        ("OSError(2, 'No such file', 'a/b')", "a/b: No such file"),
    ],
)
def test_the_reason_of_a_worker_comes_back(tmp_path, monkeypatch, error, told):
    (tmp_path / "worker.py").write_text(
        "import atexit, pathlib, sys\n"
        "from model_zoo.convert.checkpoints.checkpoint import CheckpointError\n"
        "from model_zoo.convert.workers import report_failure\n"
        "atexit.register(sys.stderr.write, 'a late message')\n"
        f"def work(): raise {error}\n"
        "sys.exit(report_failure(pathlib.Path(__file__).parent, work, CheckpointError))"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WorkerError) as caught:
        run_worker("worker", [], tmp_path)
    assert str(caught.value) == told.format(folder=tmp_path)


def test_an_interrupt_ends_the_workers(tmp_path, monkeypatch):
    (tmp_path / "worker.py").write_text(
        "import pathlib, time; pathlib.Path('began').touch(); time.sleep(600)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def end():
        wait_until((tmp_path / "began").exists)
        with workers_ended():
            ended.wait()

    ended = threading.Event()
    ending = threading.Thread(target=end)
    ending.start()
    for _ in range(2):  # none begins in the meantime
        with pytest.raises(WorkerError, match=r"^interrupted$"):
            run_worker("worker", [], tmp_path)
    ended.set()
    ending.join()


def test_workers_that_cannot_run_are_explained(tmp_path, tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(conversion, "run_worker", run_worker)
    with pytest.raises(ConversionError, match="--python /bin/true: expected a Python"):
        convert_checkpoint(tiny_checkpoint, tmp_path / "out", "tiny", python="/bin/true")
    with pytest.raises(WorkerError, match="/no/such/python: cannot be run"):
        run_worker("model_zoo.convert.tracing", [], tmp_path, "/no/such/python")
    with pytest.raises(WorkerError, match=r"model_zoo\.nothing ended with 1: .*No module named"):
        run_worker("model_zoo.nothing", [], tmp_path, sys.executable)


def test_what_a_killed_conversion_left_is_swept(tmp_path):
    (tmp_path / ".converting-old" / "FP32").mkdir(parents=True)
    with workplace(tmp_path) as staging:
        assert [path.name for path in tmp_path.glob(".converting-*")] == [staging.name]
    assert not list(tmp_path.glob(".converting-*"))
