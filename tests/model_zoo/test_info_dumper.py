"""The dump: Open Model Zoo's keys, and measurements of what is converted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from model_zoo.__main__ import main as zoo_main
from model_zoo.info_dumper import main
from tests.model_zoo.catalog.test_catalog import composite, zoo

KEYS = [
    "name",
    "composite_model_name",
    "description",
    "framework",
    "license_url",
    "accuracy_config",
    "model_config",
    "precisions",
    "subdirectory",
    "task_type",
    "input_info",
    "model_stages",
]


def dump(capsys, *arguments: str) -> list[dict]:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("[\n    {")
    return json.loads(captured.out)


def test_the_keys_are_open_model_zoo_s_in_its_order(capsys):
    (model,) = dump(capsys, "--name", "bert-base-ner")
    assert list(model) == KEYS
    assert model["input_info"][0] == {"name": "input_ids", "shape": [1, 128], "layout": "NC"}
    assert model["precisions"] == ["FP16", "FP32"]
    assert model["model_config"].endswith(str(Path("public", "bert-base-ner", "model.yml")))
    assert model["accuracy_config"] is None
    assert model["model_stages"] == []


def test_composite_models_hold_their_stages(tmp_path, capsys):
    path = composite(tmp_path)
    (path.parent / "accuracy-check.yml").write_text("")
    (model,) = dump(capsys, "--all", "--models_dir", str(tmp_path))
    assert model["accuracy_config"] == str(path.parent / "accuracy-check.yml")
    assert model["model_config"] is None
    assert [stage["name"] for stage in model["model_stages"]] == ["tts-first", "tts-second"]
    assert {stage["composite_model_name"] for stage in model["model_stages"]} == {"tts"}


def small_ir(folder: Path, name: str) -> None:
    """One matrix product: 16 wide in, 4 out."""
    import openvino as ov
    from openvino import opset13 as ops

    ids = ops.parameter([-1, -1], np.int64, name="input_ids")
    table = ops.constant(np.ones((10, 16), np.float32))
    rows = ops.gather(table, ids, ops.constant(np.int64(0)))
    logits = ops.matmul(rows, ops.constant(np.ones((16, 4), np.float32)), False, False)
    logits.output(0).set_names({"output"})
    folder.mkdir(parents=True)
    ov.save_model(ov.Model([logits], [ids]), folder / f"{name}.xml", compress_to_fp16=False)


def test_measurements_are_read_from_the_ir(tmp_path, capsys):
    root, out = tmp_path / "zoo", tmp_path / "out"
    zoo(root)
    where = ("--name", "some-model", "--models_dir", str(root), "-o", str(out))
    assert main([*where, "--measure"]) == 1
    assert "run: python -m model_zoo.converter --name some-model" in capsys.readouterr().err
    small_ir(out / "public" / "some-model" / "FP32", "some-model")
    zoo(root, folder="other")
    other, model = dump(capsys, "--all", *where[2:], "--measure")
    assert not other["measurements"]
    assert model["measurements"]
    (model,) = dump(capsys, *where, "--measure", "--shape", "2x8")
    measured = model["measurements"]["FP32"]
    assert measured["gops"] == pytest.approx(2 * 2 * 8 * 16 * 4 / 1e9, abs=1e-4)
    assert measured["mparams"] == pytest.approx((10 * 16 + 16 * 4) / 1e6, abs=1e-4)
    assert measured["outputs"][0]["name"] == "output"
    (out / "public" / "some-model" / "FP32" / "some-model.xml").write_text("broken")
    assert main([*where, "--measure"]) == 1
    assert "some-model: can't be measured" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--all", "--shape", "1"], ["--all", "--shape", "0,5"], ["--all", "--shape", "a,b"]]
)
def test_wrong_usage_leaves_with_two(arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2


def test_a_broken_catalog_is_one_sentence(tmp_path, capsys):
    zoo(tmp_path, framework="caffe")
    assert main(["--all", "--models_dir", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_names_of_folders_are_not_obeyed_by_the_terminal(tmp_path, capsys):
    folder = tmp_path / "\x1b[31mred"
    folder.mkdir()
    (folder / "model.yml").write_text("a: 1\n")
    assert main(["--all", "--zoo", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "\\x1b[31mred" in error
    assert "\x1b" not in error


@pytest.mark.parametrize("command", [main, zoo_main])
def test_closed_standard_output_is_an_error_with_a_message(command, monkeypatch, capsys):
    arguments = ["--all"] if command is main else ["--help"]
    monkeypatch.setattr(sys, "stdout", None)
    assert command(arguments) == 1
    assert capsys.readouterr().err == "standard output: Bad file descriptor\n"
