"""Quantization: the result runs, the gate holds, the notes are true, the command says what it does."""

import shutil

import numpy as np
import openvino as ov
import pytest

from model_zoo.convert import calibration, losses, quantization
from model_zoo.convert.losses import FACTS
from model_zoo.convert.quantization import QuantizationError, quantize
from model_zoo.quantizer import main
from ner_core.compute import EXACT, ways_of
from ner_core.hardware import fast_arithmetic
from ner_core.ir import model_info
from ner_core.labels import tags_of
from ner_core.tokenizer import Tokenizer
from tests.tiny_bert import TINY_LABELS


@pytest.fixture(scope="session")
def models(tiny_ir, tmp_path_factory, nncf_here):
    """A models folder with the tiny IR, quantized once; what faster arithmetic loses is not measured."""
    folder = tmp_path_factory.mktemp("quantized")
    shutil.copytree(tiny_ir, folder / "public" / "tiny" / "FP32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "fast_arithmetic", frozenset)
        made = quantize("tiny", folder)
    return folder, made


@pytest.fixture
def dataset(tmp_path, tiny_ner):
    """Sentences with the entities that the tiny model finds in them."""
    sentences = [text.split() for text in calibration.SENTENCES[::4]]
    file = tmp_path / "dev.conll"
    found = (
        tags_of([(one.label, one.word_start, one.word_end) for one in answer.entities], len(words))
        for words, answer in zip(sentences, tiny_ner.batch(sentences), strict=True)
    )
    lines = (
        "".join(f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True))
        for words, tags in zip(sentences, found, strict=True)
    )
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_the_result_is_a_model_folder_that_computes_in_8_bits(models):
    folder, made = models
    assert made.xml == folder / "public" / "tiny" / "FP16-INT8" / "tiny.xml"
    assert made.xml.with_name("tokenizer.json").is_file()
    model = ov.Core().read_model(made.xml)
    kinds = [node.get_type_name() for node in model.get_ops()]
    assert kinds.count("FakeQuantize") >= 10
    info = model_info(model)
    assert info["precision"] == "FP16-INT8"
    assert info["labels"].split() == list(TINY_LABELS)
    assert [port.get_any_name() for port in model.inputs] == ["input_ids", "attention_mask", "token_type_ids"]
    assert [port.names for port in model.outputs] == [{"output"}]
    assert not list(folder.rglob("*quantizing*"))


def test_the_agreement_is_the_share_of_equal_labels(models, tiny_ir):
    _, made = models
    tokenizer = Tokenizer.from_file(tiny_ir / "tokenizer.json")
    core = ov.Core()
    before, after = (core.compile_model(xml, "CPU") for xml in (tiny_ir / "tiny.xml", made.xml))
    equal = []
    for inputs in calibration.encode(tokenizer, calibration.SENTENCES, 64):
        equal += (before(inputs)[0].argmax(-1) == after(inputs)[0].argmax(-1)).ravel().tolist()
    assert made.samples == len(calibration.SENTENCES)
    assert made.agreement == pytest.approx(np.mean(equal), abs=0.02)
    assert made.agreement > 0.8


def test_the_notes_say_what_was_not_measured(models):
    _, made = models
    assert "accuracy was not measured: give labelled text with --dataset" in made.notes


@pytest.mark.parametrize("gains", [True, False])
def test_a_device_that_gains_nothing_is_told(monkeypatch, gains):
    order = ["FP16-INT8", "INT8", "FP32", "FP16"] if gains else ["FP32", "INT8", "FP16", "FP16-INT8"]
    monkeypatch.setattr("ner_core.hardware.preferred_precisions", lambda device: order)
    told = any("gains nothing" in note for note in quantization._notes("dev.conll", "ANY"))
    assert told is not gains
    assert not quantization._notes("dev.conll", "GPU")


def put_result(monkeypatch, source):
    """Let NNCF's place be taken by a copy of the source, whose score is then known."""

    def worker(module, arguments, folder, python=""):
        for suffix in (".xml", ".bin"):
            shutil.copyfile(source.with_suffix(suffix), folder / f"quantized{suffix}")

    monkeypatch.setattr(quantization, "run_worker", worker)


def test_the_gate_passes_what_loses_nothing(tiny_ir, tmp_path, dataset, monkeypatch):
    shutil.copytree(tiny_ir, tmp_path / "public" / "tiny" / "FP32")
    put_result(monkeypatch, tiny_ir / "tiny.xml")
    made = quantize("tiny", tmp_path, dataset=dataset, max_drop=0.0)
    lost = [value for key, value in model_info(ov.Core().read_model(made.xml)).items() if key in FACTS]
    assert len(lost) == len(FACTS)
    faster = [way for way in ways_of(fast_arithmetic()) if way is not EXACT and not way.group]
    assert sum(loss.startswith("f1 ") for loss in lost) == len(faster)
    assert made.f1_before == made.f1_after > 0.99
    assert made.agreement == 1.0


@pytest.mark.parametrize("text", ["", "Mary O\nlives O\n", "Mary B-NOBODY\nlives O\n"])
def test_data_that_measures_nothing_is_told_before_calibration(tiny_ir, tmp_path, monkeypatch, text):
    shutil.copytree(tiny_ir, tmp_path / "public" / "tiny" / "FP32")
    monkeypatch.setattr(quantization, "run_worker", lambda *_: pytest.fail("it was calibrated"))
    (tmp_path / "dev.conll").write_text(text)
    with pytest.raises(QuantizationError, match=r"dev\.conll: nothing to measure"):
        quantize("tiny", tmp_path, dataset=tmp_path / "dev.conll")


def test_the_gate_keeps_nothing_that_loses_too_much(models, tiny_ir, tmp_path, dataset, monkeypatch):
    shutil.copytree(tiny_ir, tmp_path / "public" / "tiny" / "FP32")
    old = shutil.copytree(tiny_ir, tmp_path / "public" / "tiny" / "FP16-INT8")
    before = {file: file.read_bytes() for file in old.iterdir()}
    put_result(monkeypatch, models[1].xml)
    with pytest.raises(
        QuantizationError, match=r"loses 0\.\d+ of micro F1 .*more than --max_drop -1.*Nothing was kept"
    ):
        quantize("tiny", tmp_path, dataset=dataset, max_drop=-1)
    assert {file: file.read_bytes() for file in old.iterdir()} == before


def test_command_and_dry_run(models, capsys, tmp_path, monkeypatch, tiny_ir, plain_processor):
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path))
    zoo = tmp_path / "zoo" / "public" / "tiny"
    zoo.mkdir(parents=True)
    (zoo / "model.yml").write_text(
        "description: A tiny model.\ntask_type: named_entity_recognition\nframework: pytorch\n"
        "license: https://example.com\nfiles: []\n"
    )
    arguments = ["--models_dir", str(tmp_path / "zoo"), "--name", "tiny"]
    assert main([*arguments, "--dry_run"]) == 1
    assert "no FP32 or FP16 IR. Run: python -m model_zoo.converter --name tiny" in capsys.readouterr().err
    shutil.copytree(tiny_ir, tmp_path / "public" / "tiny" / "FP32")
    assert main([*arguments, "--dry_run"]) == 0
    assert "tiny: would quantize" in capsys.readouterr().out
    put_result(monkeypatch, tiny_ir / "tiny.xml")
    assert main([*arguments, "--precisions", "FP16-INT8"]) == 0
    assert "100.0% of their tokens keep their label" in capsys.readouterr().out
    assert main([*arguments, "--calibration", str(tmp_path / "nothing.txt")]) == 1
    err = capsys.readouterr().err
    assert "nothing.txt: No such file or directory" in err
    assert err.endswith("FAILED:\ntiny\n")
    assert main([*arguments, "--precisions", "INT8"]) == 0
    assert capsys.readouterr().out == "Skipping tiny (all precisions skipped)\n"
    with pytest.raises(SystemExit):
        main([*arguments, "--precisions", "INT9"])
    assert "found INT9" in capsys.readouterr().err


def test_texts_come_from_lines_labelled_files_or_the_package(tmp_path):
    assert calibration.read_texts(None, 300) == list(calibration.SENTENCES)
    lines = tmp_path / "texts.txt"
    lines.write_text("one\n\n two \nthree\nfour\n")
    assert calibration.read_texts(lines, 300) == ["one", "two", "three", "four"]
    assert calibration.read_texts(lines, 2) == ["one", "three"]
    labelled = tmp_path / "train.conll"
    labelled.write_text("Mary B-PER\nsings O\n\nAnn B-PER\n")
    assert calibration.read_texts(labelled, 300) == ["Mary sings", "Ann"]
    assert calibration.read_texts(labelled.rename(tmp_path / "a.iob2"), 300) == ["Mary sings", "Ann"]
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"tokens": ["two", "three"], "ner_tags": [0, 0]}\n')
    assert calibration.read_texts(tmp_path / "a.jsonl", 300) == ["one", "two three"]
    (tmp_path / "b.json").write_text('[{"body": "one"}]')
    with pytest.raises(ValueError, match=r"b\.json, item 1: expected a text or a list of words under text"):
        calibration.read_texts(tmp_path / "b.json", 300)
    assert calibration.read_texts(tmp_path / "b.json", 300, "body") == ["one"]
    for nothing in (b"\n", b"PK\3\4\0\0"):
        lines.write_bytes(nothing)
        with pytest.raises(ValueError, match="no text in it"):
            calibration.read_texts(lines, 300)


def test_long_texts_are_cut_and_static_models_are_filled(tiny_ir):
    tokenizer = Tokenizer.from_file(tiny_ir / "tokenizer.json")
    [inputs] = calibration.encode(tokenizer, ["Mary lives " * 100], 64)
    assert inputs["input_ids"].shape == (1, 64)
    assert inputs["input_ids"][0, -1] == tokenizer.suffix[-1]
    [inputs] = calibration.encode(tokenizer, ["Mary"], 64, (2, 16))
    assert inputs["input_ids"].shape == (2, 16)
    assert inputs["attention_mask"].sum() == 6
