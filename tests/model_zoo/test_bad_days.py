"""Disks that are full, folders that can't be written, names in any script, and the end in the middle."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from model_zoo import __main__ as commands
from model_zoo import converter, downloader
from tests.conftest import PATIENCE, wait_until
from tests.model_zoo.catalog.test_catalog import zoo

resource = pytest.importorskip("resource")

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = bytes(range(256)) * 200
NAMES = "модель 模型 نموذج 'é\" $(x) %s {} -o"


def packed() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.txt", "one two\n" * 9000)
    return buffer.getvalue()


@pytest.fixture
def model(tmp_path, server):
    """A model with large files, an archive that unpacks to more, and text to replace."""
    server.files.update({"/weights": WEIGHTS, "/archive": packed(), "/text": b"two\n"})
    steps = [
        {"$type": "unpack_archive", "file": "code.zip", "format": "zip"},
        {"$type": "regex_replace", "file": "big.txt", "pattern": "two", "replacement": "2"},
    ]
    files = [
        {
            "name": name,
            "size": len(server.files[path]),
            "checksum": hashlib.sha384(server.files[path]).hexdigest(),
            "source": server.url(path),
        }
        for name, path in (("sub/weights.bin", "/weights"), ("code.zip", "/archive"), ("text.txt", "/text"))
    ]
    zoo(tmp_path / "zoo", files=files, postprocessing=steps)
    return ["--zoo", str(tmp_path / "zoo"), "--name", "some-model"]


@contextlib.contextmanager
def room_for(size: int):
    """Let no file grow beyond so many bytes: what a full disk does, from the same call on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def is_right(folder: Path) -> bool:
    return (
        (folder / "sub" / "weights.bin").read_bytes() == WEIGHTS
        and (folder / "big.txt").read_text() == "one 2\n" * 9000
        and (folder / "text.txt").read_bytes() == b"two\n"
    )


@pytest.mark.parametrize("command", [downloader.main, downloader.omz])
def test_a_full_disk_is_a_sentence_and_the_next_download_goes_on(model, tmp_path, capsys, command):
    where = [*model, "-o", str(tmp_path / "out")]
    folder = tmp_path / "out" / "public" / "some-model"
    for size in (0, 1, 3, 50, 150, 500, 1000, 5000, 20_000, len(WEIGHTS) - 1, len(WEIGHTS), 60_000, 71_999):
        with room_for(size):
            assert command(where) == 1
        captured = capsys.readouterr()
        assert "can't be written" in captured.err or "File too large" in captured.err
        assert "Traceback" not in captured.err
        for path in folder.rglob("*"):
            if path.is_file() and ".partial" not in path.parts:
                assert path.name in ("weights.bin", "code.zip", "text.txt", "big.txt", "big.txt.orig")
        if (folder / "sub" / "weights.bin").exists():
            assert (folder / "sub" / "weights.bin").read_bytes() == WEIGHTS
        if (folder / "big.txt.orig").exists():
            assert (folder / "big.txt.orig").read_text() == "one two\n" * 9000
    assert command(where) == 0
    assert is_right(folder)


@pytest.mark.usefixtures("traced_here")
def test_a_full_disk_leaves_no_half_of_a_conversion(tmp_path, tiny_checkpoint, capsys):
    zoo(tmp_path / "zoo", folder="tiny", files=[])
    shutil.copytree(tiny_checkpoint, tmp_path / "models" / "public" / "tiny")
    arguments = ["--zoo", str(tmp_path / "zoo"), "-d", str(tmp_path / "models"), "--name", "tiny"]
    arguments += ["-o", str(tmp_path / "out"), "--precisions", "FP16"]
    folder = tmp_path / "out" / "public" / "tiny"
    for size in (0, 100, 10_000, 40_000, 100_000):
        with room_for(size):
            assert converter.main(arguments) == 1
        captured = capsys.readouterr()
        assert captured.err.startswith("tiny: ")
        assert captured.err.endswith("FAILED:\ntiny\n")
        assert not folder.exists() or [path.name for path in folder.iterdir()] in ([], [".conversion.lock"])
    assert converter.main(arguments) == 0
    assert len(list((folder / "FP16").iterdir())) == 3


@pytest.fixture
def read_only():
    """A folder that can't be written; root would not mind its mode, so it becomes nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inside").mkdir()
        for path in (folder / "inside", folder):
            path.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield folder / "inside"
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_said(capsys, read_only):
    model = ["--name", "bert-base-ner", "--offline", "-o", str(read_only)]
    assert downloader.main(model) == 1
    error = capsys.readouterr().err
    assert str(read_only) in error
    assert "Permission denied" in error
    assert "Traceback" not in error
    assert not list(read_only.iterdir())


@pytest.mark.usefixtures("traced_here")
def test_names_in_any_script(model, tmp_path, capsys, tiny_checkpoint):
    folder = tmp_path / NAMES
    shutil.copytree(tmp_path / "zoo", folder / "zoo")
    where = ["--zoo", str(folder / "zoo"), "--name", "some-model", "-o", str(folder / "models")]
    assert downloader.main(where) == 0
    assert is_right(folder / "models" / "public" / "some-model")
    assert downloader.main([*where, "--verify"]) == 0
    shutil.copytree(tiny_checkpoint, folder / "models" / "public" / "some-model" / "checkpoint")
    assert converter.main([*where[:4], "-d", str(folder / "models"), "--precisions", "FP32"]) == 0
    assert (folder / "models" / "public" / "some-model" / "FP32" / "some-model.xml").is_file()


def test_names_that_the_terminal_cannot_show(model, tmp_path):
    out = os.fsencode(tmp_path) + b"/\xff \xd0\xbc"
    done = subprocess.run(
        [sys.executable, "-m", "model_zoo.downloader", *model, "-o", out],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert is_right(Path(os.fsdecode(out)) / "public" / "some-model")


def test_a_terminated_conversion_leaves_nothing(tmp_path, tiny_checkpoint):
    zoo(tmp_path / "zoo", folder="tiny", files=[])
    shutil.copytree(tiny_checkpoint, tmp_path / "models" / "public" / "tiny")
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\nexec sleep 600\n")
    python.chmod(0o755)
    command = [sys.executable, "-m", "model_zoo.converter", "--zoo", str(tmp_path / "zoo"), "--all"]
    command += ["-d", str(tmp_path / "models"), "-o", str(tmp_path / "out"), "--python", str(python)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wait_until((tmp_path / "began").exists, process)
    process.terminate()
    try:
        _, error = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:  # the signal came after Python's last check and before it waits
        process.terminate()
        _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert error == "tiny: interrupted\nInterrupted; unfinished work left nothing behind.\n"
    left = [path.name for path in (tmp_path / "out" / "public" / "tiny").iterdir()]
    assert left in ([], [".conversion.lock"])


@pytest.mark.parametrize("arguments", [["info", "--all"], ["--help"], ["download", "{}"]])
def test_output_that_nobody_reads_is_no_traceback(model, tmp_path, arguments):
    given = [*model, "-o", str(tmp_path / "out")] if arguments[-1] == "{}" else arguments[1:]
    command = [sys.executable, "-m", "model_zoo", arguments[0], *given]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert error in (b"", b"standard output: Broken pipe\n")


def test_an_interrupt_while_modules_load_is_no_traceback(monkeypatch, capsys):
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.importlib, "import_module", interrupted)
    assert commands.main(["download", "--all"]) == commands.omz_downloader() == 130
    assert "Traceback" not in capsys.readouterr().err
