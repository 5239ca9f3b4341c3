"""Under the names of Open Model Zoo's tools: its defaults, words and statuses, and nothing of ours left."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from model_zoo import converter, downloader, info_dumper, quantizer
from model_zoo.convert import quantization
from tests.model_zoo.catalog.test_catalog import zoo
from tests.model_zoo.file_server import status

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
TEXT = b"one two\n"


def packed(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


@pytest.fixture
def here(tmp_path, monkeypatch, server):
    """A zoo with a model that is unpacked and patched, and an empty current folder."""
    server.files.update({"/archive": packed(code="import this\n"), "/text": TEXT})
    steps = [
        {"$type": "unpack_archive", "file": "code.zip", "format": "zip"},
        {"$type": "regex_replace", "file": "code.py", "pattern": "import", "replacement": "pass #"},
        {"$type": "regex_replace", "file": "sub/text.txt", "pattern": "two", "replacement": "2"},
    ]
    files = [
        {
            "name": name,
            "size": len(server.files[path]),
            "checksum": hashlib.sha384(server.files[path]).hexdigest(),
            "source": server.url(path),
        }
        for name, path in (("code.zip", "/archive"), ("sub/text.txt", "/text"))
    ]
    zoo(tmp_path / "zoo", files=files, postprocessing=steps)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("NER_MODELS_DIR", str(tmp_path / "elsewhere"))
    return tmp_path / "here"


def run(command, *arguments: str) -> int:
    return command.omz(["--zoo", "../zoo", *arguments])


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_commands_are_installed_under_their_names():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name in ("omz_downloader", "omz_converter", "omz_quantizer", "omz_info_dumper"):
        module, function = scripts[name].split(":")
        assert callable(getattr(import_module(module), function))


def test_a_download_lies_in_the_current_folder_with_nothing_of_ours_beside_it(here, server, capsys):
    left = [
        "public",
        "public/some-model",
        "public/some-model/code.py",
        "public/some-model/code.py.orig",
        "public/some-model/sub",
        "public/some-model/sub/text.txt",
        "public/some-model/sub/text.txt.orig",
    ]
    for _ in range(2):
        assert run(downloader, "--name", "some-model") == 0
        assert files_in(here) == left
        assert (here / "public/some-model/code.py").read_text() == "pass # this\n"
        assert (here / "public/some-model/sub/text.txt").read_text() == "one 2\n"
        assert (here / "public/some-model/sub/text.txt.orig").read_bytes() == TEXT


def test_a_download_of_our_own_is_taken_over(here, capsys):
    assert downloader.main(["--zoo", "../zoo", "--all", "-o", "."]) == 0
    assert (here / "public/some-model/.postprocessing.json").exists()
    assert run(downloader, "--all") == 0
    assert (here / "public/some-model/code.py").read_text() == "pass # this\n"
    assert not [name for name in files_in(here) if "/." in name or name.endswith(".zip")]


def test_the_events_are_the_peers(here, capsys):
    assert run(downloader, "--all", "--progress_format", "json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    model = {"model": "some-model"}
    expected = [{"$type": "model_download_begin", **model, "num_files": 2}]
    for name, size in (("code.zip", len(packed(code="import this\n"))), ("sub/text.txt", len(TEXT))):
        file = {**model, "model_file": name}
        expected += [
            {"$type": "model_file_download_begin", **file, "size": size},
            {"$type": "model_file_download_progress", **file, "size": size},
            {"$type": "model_file_download_end", **file, "successful": True},
        ]
    expected += [
        {"$type": "model_download_end", **model, "successful": True},
        {"$type": "model_postprocessing_begin", **model},
        {"$type": "model_postprocessing_end", **model},
    ]
    assert events == expected


def test_a_file_from_the_cache_makes_no_progress_events(here, capsys):
    command = ("--all", "--progress_format=json", "--cache_dir", "cache")
    said = []
    for folder in ("one", "two"):
        assert run(downloader, *command, "-o", folder) == 0
        said.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    progress = "model_file_download_progress"
    assert [event["model_file"] for event in said[0] if event["$type"] == progress] == [
        "code.zip",
        "sub/text.txt",
    ]
    assert said[1] == [event for event in said[0] if event["$type"] != progress]


def test_a_file_is_tried_once_and_the_first_failure_ends_the_model(here, server, capsys):
    server.faults["/archive"] = [status(503)]
    assert run(downloader, "--all") == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("FAILED:\nsome-model\n")
    assert len(server.requests) == 1


def test_models_in_none_of_the_precisions_are_skipped_in_the_peers_words(here, server, capsys):
    assert run(downloader, "--all", "--precisions", "FP16-INT8") == 0
    line = "========== Skipping some-model (model is unsupported in {'FP16-INT8'} precisions)\n"
    assert capsys.readouterr().out == line
    assert not server.requests


@pytest.mark.parametrize("command", [downloader, converter, quantizer])
@pytest.mark.parametrize("precisions", ["FP7", "FP16-INT8,FP7", "INT8", "''"])
def test_unknown_precisions_fail_with_one(here, capsys, command, precisions):
    assert run(command, "--all", "--precisions", precisions.strip("'")) == 1
    assert capsys.readouterr().err == f"Unknown precisions specified: {precisions.split(',')[-1]}.\n"


def test_wrong_usage_of_the_downloader_prints_the_help_on_standard_output(capsys):
    with pytest.raises(SystemExit) as left:
        downloader.omz([])
    assert left.value.code == 2
    captured = capsys.readouterr()
    assert captured.err.startswith('error: one of "--print_all", "--all", "--name" or "--list" must be')
    assert captured.out.startswith("usage: omz_downloader")


@pytest.mark.parametrize("command", [converter, quantizer, info_dumper])
def test_wrong_usage_of_the_others_is_on_standard_error(capsys, command):
    with pytest.raises(SystemExit) as left:
        command.omz([])
    assert left.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"usage: omz_{command.__name__.rpartition('.')[2]}")


@pytest.mark.usefixtures("traced_here")
def test_conversion_in_the_current_folder(here, tiny_checkpoint, capsys):
    shutil.copytree(tiny_checkpoint, here / "public" / "some-model")
    assert run(converter, "--all", "--precisions", "FP16,FP16-INT8") == 0
    assert not [name for name in files_in(here) if "/." in name]
    assert files_in(here / "public/some-model/FP16") == ["some-model.bin", "some-model.xml", "tokenizer.json"]
    assert not (here / "public/some-model/FP32").exists()
    capsys.readouterr()
    assert run(converter, "--all", "--precisions", "FP16-INT8") == 0
    assert "========== Skipping some-model (all conversions skipped)" in capsys.readouterr().out


def test_a_model_that_fails_is_listed_and_leaves_nothing(here, tmp_path, capsys):
    (here / "public" / "some-model").mkdir(parents=True)
    (here / "public" / "some-model" / "model.onnx").write_bytes(b"no network")
    assert run(converter, "--all") == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("FAILED:\nsome-model\n")
    assert files_in(here) == ["public", "public/some-model", "public/some-model/model.onnx"]


def test_what_comes_as_ir_has_no_conversions(tmp_path, monkeypatch, capsys):
    names = [f"{precision}/ready.{end}" for precision in ("FP16", "FP32") for end in ("xml", "bin")]
    files = [{"name": name, "size": 1, "checksum": "0" * 96, "source": "http://x/"} for name in names]
    zoo(tmp_path / "zoo", folder="ready", framework="dldt", model_optimizer_args=None, files=files)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run(converter, "--all") == 0
    assert capsys.readouterr().out == "========== Skipping ready (no conversions defined)\n"


@pytest.mark.usefixtures("plain_processor")
def test_quantization_wants_a_dataset_and_takes_the_peers_devices(here, tiny_ir, capsys, monkeypatch):
    calls = []

    def worker(module, arguments, folder, python=sys.executable):
        calls.append(arguments)
        for suffix in (".xml", ".bin"):
            shutil.copyfile((tiny_ir / "tiny.xml").with_suffix(suffix), folder / f"quantized{suffix}")

    monkeypatch.setattr(quantization, "run_worker", worker)
    for precision in ("FP32", "FP16"):
        folder = here / "public" / "some-model" / precision
        shutil.copytree(tiny_ir, folder)
        for file in folder.glob("tiny.*"):
            file.rename(folder / f"some-model{file.suffix}")
    assert run(quantizer, "--all") == 1
    assert capsys.readouterr().err == "--dataset_dir must be specified.\n"
    text = here / "data" / "CONLL-2003" / "valid.txt"
    text.parent.mkdir(parents=True)
    text.write_text("-DOCSTART- -X- O O\n\nMary NNP B-NP B-PER\nsings VBZ B-VP O\n\nAnn NNP B-NP B-PER\n")
    data = ("--dataset_dir", "data", "--target_device", "VPU")
    assert run(quantizer, "--all", *data, "--precisions", "FP32-INT8", "--dry_run") == 0
    assert "FP16-INT8" not in capsys.readouterr().out
    assert run(quantizer, "--all", *data) == 0
    assert "calibrated on 2 texts" in capsys.readouterr().out
    assert calls[0][-1] == "NPU"
    assert [path.name for path in sorted((here / "public/some-model").iterdir())] == [
        "FP16",
        "FP16-INT8",
        "FP32",
        "FP32-INT8",
    ]
    sizes = [(here / f"public/some-model/{p}-INT8/some-model.bin").stat().st_size for p in ("FP16", "FP32")]
    assert sizes[0] < sizes[1]
    with pytest.raises(SystemExit) as left:
        run(quantizer, "--all", *data[:2], "--target_device", "TPU")
    assert left.value.code == 2


def test_our_own_commands_skip_what_others_make(here, capsys):
    assert converter.main(["--zoo", "../zoo", "--all", "--precisions", "FP16-INT8"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "some-model: all conversions skipped\n"
    assert "skipping FP16-INT8: not made by conversion, see quantizer.py" in captured.err
