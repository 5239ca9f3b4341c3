"""The converter's command: Open Model Zoo's flags, exit codes, messages; and `convert` for the page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import openvino as ov
import pytest
import yaml

from model_zoo import converter
from model_zoo.catalog.selection import select
from model_zoo.convert.conversion import ConversionError
from model_zoo.convert.job import checkpoint_of, convert
from model_zoo.converter import main
from model_zoo.downloader import main as downloader
from model_zoo.quantizer import main as quantizer

ROOT = Path(__file__).parents[3]
FILE = {"name": "tiny/config.json", "size": 1, "checksum": "0" * 96, "source": "http://127.0.0.1:9/x"}


def write_model(zoo, name, **changes):
    folder = zoo / "public" / name
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "A tiny model.",
        "task_type": "named_entity_recognition",
        "files": [FILE],
        "framework": "pytorch",
        "license": "https://example.com/license",
    }
    (folder / "model.yml").write_text(yaml.safe_dump(content | changes))


@pytest.fixture
def zoo(tmp_path):
    """A zoo of two models, of which one was downloaded."""
    for name in ("tiny", "other"):
        write_model(tmp_path / "zoo", name)
    return tmp_path / "zoo"


@pytest.fixture
def downloads(tmp_path, tiny_checkpoint):
    shutil.copytree(tiny_checkpoint, tmp_path / "models" / "public" / "tiny" / "tiny")
    return tmp_path / "models"


def command(zoo, downloads, *arguments):
    return ["--models_dir", str(zoo), "-d", str(downloads), *arguments]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell")
def test_auto_is_one_job_for_each_processor_that_may_be_used(zoo, downloads, monkeypatch):
    asked = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3)))
    monkeypatch.setattr(converter, "convert_all", lambda parts, attempt, jobs: asked.append(jobs) or [])
    main(command(zoo, downloads, "--all", "-j", "auto"))
    assert asked == [3]


def test_one_good_and_one_missing_model(zoo, downloads, traced_here, capsys, tmp_path):
    code = main(
        command(zoo, downloads, "--all", "--precisions", "FP32", "-o", str(tmp_path / "out"), "-j", "auto")
    )
    out, err = capsys.readouterr()
    assert code == 1
    assert (tmp_path / "out" / "public" / "tiny" / "FP32" / "tiny.xml").is_file()
    assert "tiny: FP32: 0." in out
    assert "MB in" in out
    assert "largest difference to the source" in out
    assert err.endswith("FAILED:\nother\n")
    assert f"python -m model_zoo.downloader --name other --output_dir {downloads} --zoo {zoo}\n" in err


def test_a_folder_is_converted_by_its_path(zoo, tiny_checkpoint, traced_here, capsys, tmp_path, monkeypatch):
    own = shutil.copytree(tiny_checkpoint, tmp_path / "my model, v2")
    monkeypatch.chdir(tmp_path)
    given = ["--name", str(own), "--models_dir", str(zoo), "-d", "out", "--precisions", "FP32"]
    assert main(given) == 0
    folder = tmp_path / "out" / "public" / "my-model-v2"
    assert (folder / "FP32" / "my-model-v2.xml").is_file()
    assert f"my-model-v2: in {Path('out', 'public', 'my-model-v2')}" in capsys.readouterr().out
    assert downloader([*given[:4], "-o", "out"]) == 1
    assert f"To convert it: python -m model_zoo.converter --name '{own}'" in capsys.readouterr().err
    assert quantizer([*given[:4], "--model_dir", "empty", "--dry_run"]) == 1
    assert f"converter --name '{own}' --download_dir empty" in capsys.readouterr().err
    for flag in ("--dry_run", "-j1"):
        assert main(["--name", str(own / "model.safetensors"), *given[2:], flag]) == 1
        assert "not a checkpoint. Expected a folder with config.json" in capsys.readouterr().err
    tiny = own.rename(tmp_path / "tiny")
    assert main(["--name", str(tiny), *given[2:]]) == 1
    assert "the zoo has a model tiny; give yours another name" in capsys.readouterr().err


def test_a_model_of_the_hub_is_known_in_the_folder_that_it_was_converted_to(
    tmp_path, tiny_checkpoint, traced_here, capsys
):
    name = "hf--owner--name"
    shutil.copytree(tiny_checkpoint, tmp_path / "downloads" / "public" / name)
    source = {"$type": "hf_hub", "repo": "owner/name", "file": "config.json"}
    write_model(tmp_path / "downloads", name, files=[FILE | {"name": "config.json", "source": source}])
    given = ["--name", "owner/name", "-d", str(tmp_path / "downloads"), "--precisions", "FP32"]
    assert main([*given, "-o", str(tmp_path / "irs")]) == 0
    assert quantizer(["--name", "owner/name", "--model_dir", str(tmp_path / "irs"), "--dry_run"]) == 0
    assert f"would quantize {tmp_path / 'irs'}" in capsys.readouterr().out


def test_what_was_made_of_another_checkpoint_is_named(zoo, downloads, traced_here, capsys):
    given = command(zoo, downloads, "--name", "tiny", "--precisions")
    assert main([*given, "FP16"]) == 0
    file = downloads / "public" / "tiny" / "FP16" / "tiny.xml"
    text = file.read_text("utf-8")
    file.write_text(
        text.replace('source_checksum value="sha384:', 'source_checksum value="sha384:f'), "utf-8"
    )
    assert main([*given, "FP32"]) == 0
    out = capsys.readouterr().out
    assert out.endswith(f"tiny: in {downloads / 'public' / 'tiny'}; FP16 there: of another checkpoint\n")


def test_json_progress_is_an_event_a_line(zoo, downloads, traced_here, capsys):
    code = main(
        command(zoo, downloads, "--name", "tiny", "--precisions", "FP32", "--progress_format", "json")
    )
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 0
    assert events[0] == {"$type": "model_conversion_begin", "model": "tiny", "precisions": ["FP32"]}
    assert events[-1] == {
        "$type": "model_conversion_end",
        "model": "tiny",
        "successful": True,
        "folder": str(downloads / "public" / "tiny"),
        "outdated": [],
    }
    [result] = [event for event in events if event["$type"] == "model_conversion_result"]
    assert result["parity"] < 1e-4


def test_dry_run_says_what_would_be_done_and_does_nothing(zoo, downloads, capsys):
    before = sorted(downloads.rglob("*"))
    code = main(command(zoo, downloads, "--name", "t*", "--dry_run", "--input_shape", "[1,128]"))
    out = capsys.readouterr().out
    assert code == 0
    folder = downloads / "public" / "tiny"
    assert out.splitlines() == [
        f"tiny: would convert {folder / 'tiny'} to {folder / name / 'tiny.xml'}"
        for name in ("FP16-1x128", "FP32-1x128")
    ]
    assert sorted(downloads.rglob("*")) == before
    assert main(command(zoo, downloads, "--all", "--dry-run")) == 1


def test_the_peers_flags_for_mo_are_taken_with_a_note(zoo, downloads, capsys):
    assert (
        main(command(zoo, downloads, "--name", "tiny", "--dry_run", "--mo", "mo.py", "--add_mo_arg=--x")) == 0
    )
    err = capsys.readouterr().err
    assert "--mo is ignored" in err
    assert "--add_mo_arg is ignored" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name", "tiny", "--precisions", "INT4"], "FP32-INT1, found INT4"),
        (["--name", "tiny", "--input_shape", "128"], "two positive integers such as 1x128 (got '128')"),
        (["--name", "tiny", "--input_shape", "0x128"], "two positive integers"),
        (["--name", "tiny", "-j", "many"], "must be a positive integer (got 'many')"),
        (["--all", "--tolerance", "nan"], "must be a number from 0 (got 'nan')"),
    ],
)
def test_wrong_usage_exits_with_2(zoo, downloads, capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_:
        main(command(zoo, downloads, *arguments))
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_it_runs_as_script_without_torch():
    command = [sys.executable, "-X", "importtime", "model_zoo/converter.py", "--print_all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "bert-base-ner" in done.stdout.split()
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "model_zoo.convert.job" in loaded
    assert not loaded & {"torch", "transformers"}


def test_the_catalog_goes_before_the_checkpoint(tmp_path, downloads, traced_here):
    names = [f"B-{letter}" for letter in "ABCDEFGHI"]
    write_model(tmp_path / "zoo", "tiny", labels=names, max_length=32, token_type_ids="absent")
    [model] = select(["tiny"], tmp_path / "zoo")
    events = []
    [made] = convert(model, downloads, precisions=["FP32"], progress=events.append)
    ir = ov.Core().read_model(made.xml)
    assert ir.get_rt_info(["model_info", "labels"]).value.split() == names
    assert ir.get_rt_info(["model_info", "max_length"]).value == "32"
    assert [port.get_any_name() for port in ir.inputs] == ["input_ids", "attention_mask"]
    assert events[-1]["successful"]


def test_what_comes_as_ir_is_not_converted(tmp_path, downloads):
    write_model(tmp_path / "zoo", "tiny")
    embedded = tmp_path / "zoo" / "public" / "tiny" / "INT8"
    embedded.mkdir()
    (embedded / "tiny.xml").touch()
    (embedded / "tiny.bin").touch()
    [model] = select(["tiny"], tmp_path / "zoo")
    events = []
    assert convert(model, tmp_path / "nothing", progress=events.append) == []
    assert events[1]["reason"] == "comes with the package, ready to run"


def test_a_folder_that_cannot_be_made_is_named_with_the_reason(zoo, downloads, capsys):
    (downloads / "file").touch()
    assert main(command(zoo, downloads, "--name", "tiny", "-o", str(downloads / "file"))) == 1
    assert f"tiny: {downloads / 'file' / 'public' / 'tiny'}: Not a directory\n" in capsys.readouterr().err


def test_a_failure_is_told_at_the_end(zoo, tmp_path):
    [model] = select(["tiny"], zoo)
    events = []
    with pytest.raises(ConversionError, match="no such folder"):
        convert(model, tmp_path / "nothing", progress=events.append)
    assert events[-1] == {"$type": "model_conversion_end", "model": "tiny", "successful": False}


def test_a_checkpoint_that_the_catalog_names_is_not_guessed(tmp_path, downloads):
    write_model(tmp_path / "zoo", "tiny", checkpoint="ner.nemo")
    [model] = select(["tiny"], tmp_path / "zoo")
    with pytest.raises(
        ConversionError, match=r"ner\.nemo: does not exist\. Run: python -m model_zoo\.downloader"
    ):
        checkpoint_of(model, downloads)


def test_other_frameworks_are_refused(tmp_path, downloads):
    write_model(tmp_path / "zoo", "tiny", framework="tf")
    [model] = select(["tiny"], tmp_path / "zoo")
    with pytest.raises(ConversionError, match="only pytorch and onnx"):
        convert(model, downloads)
    write_model(tmp_path / "other", "tiny", task_type="detection")
    [model] = select(["tiny"], tmp_path / "other")
    with pytest.raises(ConversionError, match=r"tiny: detection: only token classifiers can be converted"):
        convert(model, downloads)
