"""The command, from arguments to files, events and exit codes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from model_zoo import downloader
from model_zoo.catalog import folders
from model_zoo.catalog.zoo import load_catalog, load_model
from model_zoo.download.job import DownloadError, download
from model_zoo.download.transfer import Cancelled, Patience, Transfer
from model_zoo.download.verification import verify
from model_zoo.downloader import main
from tests.conftest import PATIENCE, wait_until
from tests.model_zoo.catalog.test_catalog import composite, zoo
from tests.model_zoo.file_server import FileServer, cut, stall, status

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = bytes(range(256)) * 40
VOCAB = b"[PAD]\n[CLS]\n"
QUICK = Transfer(patience=Patience(first_wait=0.001, longest_wait=0.01))


@pytest.fixture
def server():
    server = FileServer()
    server.files.update({"/weights": WEIGHTS, "/vocab": VOCAB})
    yield server
    server.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(
        downloader, "Patience", lambda attempts: Patience(attempts, first_wait=0.001, longest_wait=0.01)
    )


def entry(
    server: FileServer, name: str, path: str, content: bytes | None, **changes: object
) -> dict[str, object]:
    known = (
        {"size": len(content), "checksum": hashlib.sha384(content).hexdigest()} if content is not None else {}
    )
    return {"name": name, **known, "source": server.url(path), **changes}


@pytest.fixture
def root(server, tmp_path):
    files = [
        entry(server, "model/weights.bin", "/weights", WEIGHTS),
        entry(server, "model/vocab.txt", "/vocab", VOCAB),
    ]
    zoo(tmp_path / "zoo", files=files)
    return tmp_path / "zoo"


def run(root: Path, out: Path, *arguments: str, name: str = "some-model") -> int:
    return main(["--name", name, "--models_dir", str(root), "-o", str(out), *arguments])


def events_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_files_arrive_and_the_second_run_says_they_are_there(server, root, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(root, out) == 0
    said = capsys.readouterr().out
    assert "model/weights.bin: downloaded (10.2 kB)" in said
    assert (out / "public" / "some-model" / "model" / "weights.bin").read_bytes() == WEIGHTS
    assert run(root, out) == 0
    said = capsys.readouterr().out
    assert "model/weights.bin: already there" in said
    assert len(server.requests) == 2
    assert verify(load_catalog(root)[0], out) == {"model/weights.bin": "right", "model/vocab.txt": "right"}


def test_json_events_are_those_of_open_model_zoo(server, root, tmp_path, capsys):
    server.faults["/weights"] = [cut(5000)]
    assert run(root, tmp_path / "out", "--progress_format", "json", "-j", "1") == 0
    captured = capsys.readouterr()
    events = events_of(captured.out)
    kinds = [
        event["$type"]
        for event in events
        if "progress" not in event["$type"] and "retry" not in event["$type"]
    ]
    one_file = ["model_file_download_begin", "model_file_download_end"]
    assert kinds == ["model_download_begin", *one_file, *one_file, "model_download_end"]
    begin, end = events[0], events[-1]
    assert begin["model"] == "some-model"
    assert begin["num_files"] == 2
    assert end["successful"] is True
    first = next(event for event in events if event["$type"] == "model_file_download_begin")
    assert first["model_file"] == "model/weights.bin"
    assert first["size"] == len(WEIGHTS)
    progress = [event for event in events if event["$type"] == "model_file_download_progress"]
    assert {event["model"] for event in progress} == {"some-model"}
    assert [event["size"] for event in progress if event["model_file"] == "model/weights.bin"][-1] == len(
        WEIGHTS
    )
    assert any(event["$type"] == "model_file_download_retry" for event in events)


def test_failures_are_listed_and_the_rest_goes_on(server, root, tmp_path, capsys):
    zoo(root, folder="broken", files=[entry(server, "x", "/missing", b"x")])
    assert run(root, tmp_path / "out", name="broken,some-model") == 1
    captured = capsys.readouterr()
    assert captured.out.endswith("FAILED:\nbroken\n")
    assert "HTTP 404" in captured.err
    assert server.url("/missing") in captured.err
    assert "Traceback" not in captured.err
    assert (tmp_path / "out" / "public" / "some-model" / "model" / "vocab.txt").exists()
    assert run(root, tmp_path / "out", "--progress_format", "json", name="broken") == 1
    captured = capsys.readouterr()
    assert events_of(captured.out)[-1] == {
        "$type": "model_download_end",
        "model": "broken",
        "successful": False,
    }
    assert "FAILED:\nbroken\n" in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--all", "--name", "x"],
        ["--all", "-j", "0"],
        ["--all", "--num_attempts", "x"],
        ["--all", "--bad"],
        ["--all", "--precisions", "FP8"],
        ["--all", "--precisions", ""],
        ["--all", "-o", ""],
    ],
)
def test_wrong_usage_leaves_with_two(arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2


@pytest.mark.parametrize("arguments", [["--name", "nothing-like-it"], ["--list", "missing.lst"]])
def test_what_is_not_there_leaves_with_one(root, arguments, capsys):
    assert main([*arguments, "--models_dir", str(root)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_tilde_that_the_shell_left_is_the_home(server, root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    arguments = ["--name=some-model", "--zoo=~/zoo", "--output_dir=~/out", "--cache_dir=~/cache"]
    assert main(arguments) == 0
    assert (tmp_path / "out" / "public" / "some-model" / "model" / "vocab.txt").read_bytes() == VOCAB
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 2


def test_composite_models_bring_their_parts(server, tmp_path):
    composite(tmp_path / "zoo")
    files = [entry(server, "x.bin", "/vocab", VOCAB)]
    for part in ("tts-first", "tts-second"):
        zoo(tmp_path / "zoo" / "public", folder=part, group="tts", files=files)
    assert run(tmp_path / "zoo", tmp_path / "out", name="tts") == 0
    for part in ("tts-first", "tts-second"):
        assert (tmp_path / "out" / "public" / "tts" / part / "x.bin").read_bytes() == VOCAB
    (model,) = load_catalog(tmp_path / "zoo")
    assert set(verify(model, tmp_path / "out")) == {"tts-first/x.bin", "tts-second/x.bin"}


def test_precisions_choose_among_files_of_an_ir(server, tmp_path, capsys):
    names = [
        f"{precision}/some-model.{suffix}" for precision in ("FP16", "FP32") for suffix in ("xml", "bin")
    ]
    files = [entry(server, name, "/vocab", VOCAB) for name in [*names, "extra.txt"]]
    root = tmp_path / "zoo"
    zoo(root, framework="dldt", model_optimizer_args=None, files=files)
    folder = tmp_path / "out" / "public" / "some-model"
    assert run(root, tmp_path / "out", "--precisions", "FP16") == 0
    assert (folder / "FP16" / "some-model.xml").exists()
    assert (folder / "extra.txt").exists()
    assert not (folder / "FP32").exists()
    assert run(root, tmp_path / "none", "--precisions", "FP16-INT8") == 0
    assert not (tmp_path / "none").exists()


def test_unknown_checksums_are_recorded_said_and_checked_from_then_on(server, tmp_path, caplog, capsys):
    root, out = tmp_path / "zoo", tmp_path / "out"
    zoo(root, files=[entry(server, "model.nemo", "/weights", None)])
    assert run(root, out) == 0
    folder = out / "public" / "some-model"
    assert "no checksum is published for model.nemo; recorded in" in caplog.text
    recorded = json.loads((folder / "model.lock.json").read_text())["files"]["model.nemo"]
    assert recorded["size"] == len(WEIGHTS)
    assert recorded["sha384"] == hashlib.sha384(WEIGHTS).hexdigest()
    assert recorded["source"] == server.url("/weights")
    caplog.clear()
    assert run(root, out) == 0
    assert "already there" in capsys.readouterr().out
    assert "recorded" not in caplog.text
    (folder / "model.nemo").write_bytes(b"damaged")
    assert run(root, out, "--verify") == 1
    assert "model.nemo: wrong" in capsys.readouterr().out
    server.files["/weights"] = b"another archive"
    assert run(root, out) == 1
    error = capsys.readouterr().err
    assert f"expected {len(WEIGHTS)}" in error
    assert f"{folder / 'model.lock.json'} says what was there before; delete its entry" in error
    assert (folder / "model.nemo").read_bytes() == b"damaged"
    server.files["/weights"] = WEIGHTS
    assert run(root, out) == 0
    assert (folder / "model.nemo").read_bytes() == WEIGHTS


def test_verify_downloads_nothing(server, root, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(root, out, "--verify") == 1
    assert "model/weights.bin: missing" in capsys.readouterr().out
    assert not server.requests
    assert not out.exists()
    assert run(root, out) == 0
    assert run(root, out, "--verify") == 0
    (out / "public" / "some-model" / "model" / "vocab.txt").write_bytes(b"x" * len(VOCAB))
    assert run(root, out, "--verify") == 1
    assert "model/vocab.txt: wrong" in capsys.readouterr().out


def test_dry_run_says_what_would_be_done_and_does_nothing(server, root, tmp_path, capsys):
    assert run(root, tmp_path / "out", "--dry_run") == 0
    said = capsys.readouterr().out
    assert f"model/weights.bin: 10.2 kB from {server.url('/weights')}" in said
    assert not server.requests
    assert not (tmp_path / "out").exists()


def test_offline_and_cache(server, root, tmp_path, capsys):
    cache = ("--cache_dir", str(tmp_path / "cache"))
    assert run(root, tmp_path / "one", "--offline", *cache) == 1
    assert "network may not be used" in capsys.readouterr().err
    assert run(root, tmp_path / "one", *cache) == 0
    assert run(root, tmp_path / "two", "--offline", *cache) == 0
    assert "from the cache" in capsys.readouterr().out
    assert (tmp_path / "two" / "public" / "some-model" / "model" / "weights.bin").read_bytes() == WEIGHTS


def archive_of(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


def test_postprocessing_runs_once_and_survives_damage(server, tmp_path, capsys):
    root, out = tmp_path / "zoo", tmp_path / "out"
    packed = archive_of(code="import this\n")
    server.files["/archive"] = packed
    server.files["/text"] = b"one two\n"
    steps = [
        {"$type": "unpack_archive", "file": "code.zip", "format": "zip"},
        {"$type": "regex_replace", "file": "code.py", "pattern": "import", "replacement": "pass #"},
        {"$type": "regex_replace", "file": "text.txt", "pattern": "two", "replacement": "2"},
    ]
    files = [entry(server, "code.zip", "/archive", packed), entry(server, "text.txt", "/text", b"one two\n")]
    zoo(root, files=files, postprocessing=steps)
    folder = out / "public" / "some-model"

    def right():
        return (
            (folder / "code.py").read_text() == "pass # this\n"
            and (folder / "text.txt").read_text() == "one 2\n"
            and (folder / "code.zip").read_bytes() == packed
        )

    assert run(root, out, "--progress_format", "json") == 0
    kinds = [event["$type"] for event in events_of(capsys.readouterr().out)]
    assert kinds[-2:] == ["model_postprocessing_begin", "model_postprocessing_end"]
    assert right()
    asked = len(server.requests)
    for _ in range(2):
        assert run(root, out) == 0
        assert right()
    assert len(server.requests) == asked
    assert run(root, out, "--verify") == 0
    (folder / "text.txt").write_text("somebody's own")
    (folder / "code.py").write_text("broken")
    (folder / "code.zip").write_text("broken")
    assert run(root, out) == 0
    assert right()


def test_a_hostile_archive_fails_the_model_and_writes_nothing_outside(server, tmp_path, capsys):
    root, out = tmp_path / "zoo", tmp_path / "out"
    packed = archive_of(**{"../../../evil": "x"})
    server.files["/archive"] = packed
    steps = [{"$type": "unpack_archive", "file": "code.zip", "format": "zip"}]
    zoo(root, files=[entry(server, "code.zip", "/archive", packed)], postprocessing=steps)
    assert run(root, out) == 1
    captured = capsys.readouterr()
    assert "would be written outside the folder" in captured.err
    assert captured.out.endswith("FAILED:\nsome-model\n")
    assert not list(tmp_path.rglob("evil*"))


def test_cancel_from_another_thread(server, root, tmp_path):
    cancel = threading.Event()
    server.faults["/weights"] = [stall(1000)]
    events = []

    def progress(event):
        events.append(event)
        if event["$type"] == "model_file_download_progress" and event["model_file"] == "model/weights.bin":
            cancel.set()

    model = load_catalog(root)[0]
    with pytest.raises(Cancelled):
        download(model, tmp_path, progress=progress, cancel=cancel)
    assert events[-1] == {"$type": "model_download_end", "model": "some-model", "successful": False}
    assert folders.state(model, tmp_path) == "partial"
    download(model, tmp_path)
    assert folders.state(model, tmp_path) == "downloaded"


def test_download_reports_every_file_that_failed(server, root, tmp_path):
    server.faults["/weights"] = [status(404)]
    server.faults["/vocab"] = [status(410)]
    with pytest.raises(DownloadError) as caught:
        download(load_catalog(root)[0], tmp_path, transfer=QUICK)
    assert "HTTP 404" in str(caught.value)
    assert "HTTP 410" in str(caught.value)


def test_an_embedded_file_is_copied_from_beside_its_model_yml(tmp_path):
    path = zoo(tmp_path / "zoo", files=[{"name": "x.bin", "source": {"$type": "file", "path": "own.bin"}}])
    (path.parent / "own.bin").write_bytes(b"123")
    (fetched,) = download(load_model(path), tmp_path / "out", transfer=Transfer(offline=True))
    assert fetched.action == "downloaded"
    copy = tmp_path / "out" / "public" / "some-model" / "x.bin"
    assert copy.read_bytes() == b"123"
    (path.parent / "own.bin").write_bytes(b"4567")
    os.utime(path.parent / "own.bin", (copy.stat().st_mtime + 1,) * 2)  # trained again
    for action in ("downloaded", "already there"):
        (fetched,) = download(load_model(path), tmp_path / "out", transfer=Transfer(offline=True))
        assert (fetched.action, copy.read_bytes()) == (action, b"4567")
        os.utime(path.parent / "own.bin", (1, 1))


def test_ctrl_c_keeps_what_is_there_and_says_how_to_go_on(server, root, tmp_path):
    server.faults["/weights"] = [stall(1000)]
    command = [sys.executable, "-m", "model_zoo.downloader", "--all"]
    command += ["--models_dir", str(root), "-o", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    part = tmp_path / "public" / "some-model" / "model" / ".partial" / "weights.bin.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 1000, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert error.strip().endswith("run the same command again to resume.")
    assert part.stat().st_size == 1000
