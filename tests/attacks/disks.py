"""Disks that are full at some moment: downloader, converter and page on a small disk of their own."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import io
import itertools
import json
import os
import resource
import secrets
import shutil
import subprocess
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attacks.attack import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_SIZE = 64 << 20
_PLACES = 20
REASONS = ("can't be written", "cannot be written", "No space left", "File too large")


class Disk:
    """A disk of its own (tmpfs), or a folder in which no file may grow: what this machine allows.

    Only for processes that do nothing else: the bound on files holds for all that the process writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(path)]
        with contextlib.suppress(OSError):
            self.mounted = not subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def full(self, room: int) -> Iterator[None]:
        """Let so many bytes fit, in whole pages."""
        filler = self.path / "filler"
        if self.mounted:
            with filler.open("wb") as file:
                free = os.statvfs(self.path)
                os.posix_fallocate(file.fileno(), 0, max(free.f_bavail * free.f_bsize - room, 1))
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, self._limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
            filler.unlink(missing_ok=True)

    def end(self) -> None:
        """Take it away with all that is on it."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False)
        shutil.rmtree(self.path, ignore_errors=True)

    mounted = False


def somewhere(attempt):
    """Let a disk be full at twenty places of a run in turn, spread over all of it, in whatever order."""
    tries = itertools.count()

    def at(chance: Random, folder: Path) -> str:
        return attempt(chance, folder, (next(tries) * 7 % _PLACES + chance.random()) / _PLACES)

    return at


@contextmanager
def disk_in(folder: Path) -> Iterator[Disk]:
    disk = Disk(folder / "disk")
    try:
        yield disk
    finally:
        disk.end()


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(run, *arguments: Any) -> tuple[int, str]:
    """Run a command here: its status, and what it said."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = run(*arguments)
    return status, error.getvalue()


# The zoo's commands


@functools.cache
def catalog() -> tuple[list[str], dict[str, bytes]]:
    """Options of the downloader for a model that a server here has, and the files it has in the end."""
    from tests.model_zoo.catalog.test_catalog import zoo
    from tests.model_zoo.file_server import FileServer

    server = FileServer()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.txt", "one two\n" * 30_000)
    contents = {"sub/weights.bin": bytes(range(256)) * 1200, "code.zip": packed.getvalue(), "a.txt": b"two\n"}
    for name, content in contents.items():
        server.files[f"/{name}"] = content
    files = [
        {
            "name": name,
            "size": len(content),
            "checksum": hashlib.sha384(content).hexdigest(),
            "source": server.url(f"/{name}"),
        }
        for name, content in contents.items()
    ]
    steps = [
        {"$type": "unpack_archive", "file": "code.zip", "format": "zip"},
        {"$type": "regex_replace", "file": "big.txt", "pattern": "two", "replacement": "2"},
    ]
    root = Path(tempfile.mkdtemp(prefix="attacks-"))
    zoo(root, files=files, postprocessing=steps)
    right = {**contents, "big.txt": b"one 2\n" * 30_000, "big.txt.orig": b"one two\n" * 30_000}
    return ["--zoo", str(root), "--name", "some-model"], right


def downloader(chance: Random, folder: Path, share: float) -> str:
    from model_zoo import downloader
    from model_zoo.download import remote

    options, right = catalog()
    with disk_in(folder) as disk:
        where = [*options, "-o", str(disk.path / "models"), "--cache_dir", str(disk.path / "cache")]
        model = disk.path / "models" / "public" / "some-model"
        asks = chance.random() < 0.25  # how much room there is, before it writes
        before, remote._SPARE = remote._SPARE, remote._SPARE if asks else -(1 << 40)
        with disk.full(int(1_400_000 * share)):
            status, error = said(downloader.main, where)
        remote._SPARE = before
        if status:
            assert "Traceback" not in error, error
            assert any(words in error for words in (*REASONS, "MiB free")), error
            for name, content in files_of(model).items():
                assert ".partial" in name or right[name] == content or name == "big.txt", name
                assert name != "big.txt" or content in (right[name], right["big.txt.orig"])
        outcome = "a sentence, then on it went" if status else "there was room"
        assert said(downloader.main, where)[0] == 0
        left = {name: content for name, content in files_of(model).items() if name in right}
        assert left == right, list(left)
        return outcome


def converter(chance: Random, folder: Path, share: float) -> str:
    from model_zoo import converter
    from model_zoo.convert import conversion
    from tests.attacks.checkpoints import honest
    from tests.model_zoo.catalog.test_catalog import zoo

    zoo(folder / "zoo", folder="tiny", files=[])
    before, conversion._trace = conversion._trace, traced
    try:
        with disk_in(folder) as disk:
            shutil.copytree(honest(), disk.path / "models" / "public" / "tiny")
            options = ["--zoo", str(folder / "zoo"), "-d", str(disk.path / "models"), "--name", "tiny"]
            options += ["-o", str(disk.path / "out"), "--precisions", "FP16,FP32"]
            out = disk.path / "out" / "public" / "tiny"
            with disk.full(int(400_000 * share)):
                status, error = said(converter.main, options)
            if status:
                assert "Traceback" not in error, error
                assert error.startswith("tiny: "), error
                assert any(words in error for words in REASONS), error
                for precision in out.glob("*"):
                    assert precision.name == ".conversion.lock" or len(list(precision.iterdir())) == 3
            assert said(converter.main, options)[0] == 0
            assert [len(list((out / name).iterdir())) for name in ("FP16", "FP32")] == [3, 3]
            return "a sentence, then on it went" if status else "there was room"
    finally:
        conversion._trace = before


@functools.cache
def trace() -> Path:
    from model_zoo.convert import tracing
    from tests.attacks.checkpoints import honest

    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    tracing.trace(honest(), folder)
    return folder


def traced(source: Path, staging: Path, *_: Any) -> None:
    for file in trace().iterdir():
        (staging / file.name).write_bytes(file.read_bytes())


def quantizer(chance: Random, folder: Path, share: float) -> str:
    from model_zoo import quantizer
    from model_zoo.convert import quantization

    graph()
    before, quantization.run_worker = quantization.run_worker, compressed
    try:
        with disk_in(folder) as disk:
            shutil.copytree(converted(), disk.path / "models")
            options = [*of_zoo(disk.path / "models"), "-o", str(disk.path / "out")]
            out = disk.path / "out" / "public" / "tiny"
            with disk.full(int(150_000 * share)):
                status, error = said(quantizer.main, options)
            if status:
                assert "Traceback" not in error, error
                assert any(words in error for words in REASONS), error
                assert not [path for path in out.glob("*") if path.name != ".conversion.lock"]
            assert said(quantizer.main, options)[0] == 0
            assert len(list((out / "FP16-INT8").iterdir())) == 3
            return "a sentence, then on it went" if status else "there was room"
    finally:
        quantization.run_worker = before


def of_zoo(models: Path) -> list[str]:
    zoo = converted().parent / "zoo"
    return ["--zoo", str(zoo), "--name", "tiny", "--model_dir", str(models), "--subset_size", "5"]


@functools.cache
def converted() -> Path:
    """A models folder with the tiny model in FP32."""
    from model_zoo import converter
    from tests.attacks.checkpoints import honest
    from tests.model_zoo.catalog.test_catalog import zoo

    root = Path(tempfile.mkdtemp(prefix="attacks-"))
    zoo(root / "zoo", folder="tiny", files=[])
    shutil.copytree(honest(), root / "sources" / "public" / "tiny")
    options = [
        "--zoo",
        str(root / "zoo"),
        "-d",
        str(root / "sources"),
        "--name",
        "tiny",
        "--precisions",
        "FP32",
    ]
    assert said(converter.main, [*options, "-o", str(root / "models")])[0] == 0
    shutil.rmtree(root / "models" / "public" / "tiny" / "FP16", ignore_errors=True)
    return root / "models"


@functools.cache
def graph() -> dict[str, bytes]:
    """What NNCF makes of the tiny model, made once."""
    from model_zoo import quantizer
    from model_zoo.convert import quantization

    made: dict[str, bytes] = {}
    real = quantization.run_worker

    def kept(module: str, arguments: list[str], staging: Path) -> None:
        real(module, arguments, staging)
        made.update((path.name, path.read_bytes()) for path in staging.glob("quantized.*"))

    quantization.run_worker = kept
    try:
        with tempfile.TemporaryDirectory() as folder:
            status, error = said(quantizer.main, [*of_zoo(converted()), "-o", folder])
            assert status == 0, error
    finally:
        quantization.run_worker = real
    return made


def compressed(module: str, arguments: list[str], staging: Path) -> None:
    for name, content in graph().items():
        (staging / name).write_bytes(content)


def fine_tuner(chance: Random, folder: Path, share: float) -> str:
    from model_zoo import finetuner

    recipe, right = training()
    with disk_in(folder) as disk:
        options = [str(recipe), "--output_dir", str(disk.path), "--threads", "1"]
        model = disk.path / "public" / "tiny-ner"
        with disk.full(int(1_800_000 * share)):
            status, error = said(finetuner.main, options)
        if status:
            assert "Traceback" not in error, error
            assert any(words in error for words in REASONS), error
            assert not (model / "model.yml").exists()
        assert said(finetuner.main, options)[0] == 0
        assert (model / "checkpoint" / "model.safetensors").read_bytes() == right, "other weights"
        return "a sentence, then on it went" if status else "there was room"


@functools.cache
def training() -> tuple[Path, bytes]:
    """A recipe that takes a second, and the weights that come of it."""
    from model_zoo import finetuner
    from tests.model_zoo.train.test_finetuner import make_lab

    root = Path(tempfile.mkdtemp(prefix="attacks-"))
    recipe = make_lab(root, sentences=40) / "recipe.yml"
    assert said(finetuner.main, [str(recipe), "--output_dir", str(root / "whole"), "--threads", "1"])[0] == 0
    weights = root / "whole" / "public" / "tiny-ner" / "checkpoint" / "model.safetensors"
    return recipe, weights.read_bytes()


# The page


@functools.cache
def page() -> tuple[Disk, str, Any]:
    """A page whose uploads and results are on a disk of its own: the disk, the address, the page."""
    from tests.ner_app.conftest import save_lookup_model

    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    save_lookup_model(folder)
    disk = Disk(folder / "disk")
    atexit.register(disk.end)
    os.environ |= {"NER_MODELS_DIR": str(folder), "NER_PUBLIC": "0", "GRADIO_TEMP_DIR": str(disk.path / "g")}
    from app import build_demo
    from ner_app.service import Service
    from ner_app.web import launch

    service = Service("lookup")
    demo = build_demo(service)
    return disk, launch(demo, service, block=False, quiet=True), demo


def sent(name: str, content: bytes) -> tuple[int, str, list[str]]:
    """Upload a file: status, what the page says, and where it is."""
    import requests

    answer = requests.post(f"{page()[1]}/gradio_api/upload", files={"files": (name, content)}, timeout=60)
    return answer.status_code, answer.text, answer.json() if answer.ok else []


def pressed(function: str, *data: Any) -> dict[str, Any]:
    """Press a button as a browser does, and return what the page shows in the end, by id of the element."""
    import requests

    _, address, demo = page()
    [(number, pressed)] = [(index, one) for index, one in demo.fns.items() if one.name == function]
    session = secrets.token_hex(6)
    question = {"data": data, "fn_index": number, "session_hash": session}
    requests.post(f"{address}/gradio_api/queue/join", json=question, timeout=60).raise_for_status()
    with requests.get(
        f"{address}/gradio_api/queue/data", params={"session_hash": session}, stream=True, timeout=60
    ) as events:
        for line in events.iter_lines():
            event = json.loads(line.removeprefix(b"data:")) if line else {}
            if event.get("msg") == "process_completed":
                values = event["output"].get("data") or []
                shown = {one.elem_id: value for one, value in zip(pressed.outputs, values, strict=False)}
                return shown | {"error": "" if event["success"] else str(event["output"].get("error"))}
    msg = "the answer broke off"
    raise AssertionError(msg)


def told(shown: dict[str, Any]) -> str:
    """Check that a page which could not write says so in a sentence."""
    text = f"{shown.get('documents-status')} {shown['error']}"
    assert any(words in text for words in REASONS), text
    assert "Traceback" not in text
    return "a sentence, then on it went"


def emptied(disk: Disk) -> None:
    for path in disk.path.iterdir():
        shutil.rmtree(path, ignore_errors=True)


def upload(chance: Random, folder: Path, share: float) -> str:
    disk, _, _ = page()
    content = chance.randbytes(900_000)
    (disk.path / "g").mkdir(exist_ok=True)
    with disk.full(int(1_000_000 * share)):
        status, text, stored = sent("a.txt", content)
    assert status in (200, 507), (status, text)
    assert status == 200 or "no room" in text, text
    for path in (disk.path / "g").rglob("*"):
        assert path.is_dir() or path.read_bytes() == content, f"{path.stat().st_size} bytes were left"
    assert sent("a.txt", content)[0] == 200
    emptied(disk)
    return "a sentence, then on it went" if not stored else "there was room"


def work(function: str, name: str, content: bytes, most: int, *data: Any):
    """A button is pressed while the disk for uploads and results is full."""

    def attempt(chance: Random, folder: Path, share: float) -> str:
        disk, _, _ = page()
        (disk.path / "t").mkdir(exist_ok=True)
        _, _, [stored] = sent(name, content)
        before, tempfile.tempdir = tempfile.tempdir, str(disk.path / "t")
        given = [{"path": stored, "meta": {"_type": "gradio.FileData"}}]
        try:
            with disk.full(int(most * share)):
                shown = pressed(function, given, *data)
            ready = "download-redacted" if function == "redact_files" else "download-zip"
            outcome = "there was room" if is_whole(shown, ready) else told(shown)
            assert not list((disk.path / "t").iterdir()), "half a result was left"
            for path in (disk.path / "g").rglob("*.zip"):
                assert zipfile.ZipFile(path).testzip() is None, "half a result can be had"
            again = pressed(function, given, *data)
            assert is_whole(again, ready), again
            return outcome
        finally:
            tempfile.tempdir = before
            emptied(disk)

    return attempt


def is_whole(shown: dict[str, Any], ready: str) -> bool:
    """Tell whether there is a zip, and read all of it."""
    value = (shown.get(ready) or {}).get("value")
    return bool(value) and zipfile.ZipFile(value["path"]).testzip() is None


TEXT = b"Mary met Priya Raman of Acme in Santa Clara. " * 3000
TABLE = b"id,text,state\n" + b"".join(
    b"%d,Mary met Acme in Rotterdam.,open\n" % number for number in range(1500)
)
CHOICE = ("lookup", "CPU", "best")


def kinds() -> list[Kind]:
    found = {
        "downloader": downloader,
        "converter": converter,
        "quantizer": quantizer,
        "fine-tuner": fine_tuner,
        "page: upload": upload,
        "page: names of a document, and their zip": work(
            "recognize_all", "a.txt", TEXT, 3_000_000, "", *CHOICE, 0.0, "", ""
        ),
        "page: a table, and its copy with columns": work(
            "recognize_all", "a.csv", TABLE, 1_500_000, "", *CHOICE, 0.0, "", ""
        ),
        "page: redacted files": work("redact_files", "a.txt", TEXT, 30_000, *CHOICE, "number"),
    }
    return [Kind("full disk", called, somewhere(attempt)) for called, attempt in found.items()]
