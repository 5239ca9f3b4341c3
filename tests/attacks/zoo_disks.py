"""Commands of the zoo on a disk that is full at some moment."""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.attacks.attack import Kind
from tests.attacks.disks import REASONS, disk_in, files_of, said, somewhere

if TYPE_CHECKING:
    from random import Random


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
    from model_zoo.download import partial

    options, right = catalog()
    with disk_in(folder) as disk:
        where = [*options, "-o", str(disk.path / "models"), "--cache_dir", str(disk.path / "cache")]
        model = disk.path / "models" / "public" / "some-model"
        asks = chance.random() < 0.25  # how much room there is, before it writes
        before, partial._SPARE = partial._SPARE, partial._SPARE if asks else -(1 << 40)
        with disk.full(int(1_400_000 * share)):
            status, error = said(downloader.main, where)
        partial._SPARE = before
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


def kinds() -> list[Kind]:
    found = {
        "downloader": downloader,
        "converter": converter,
        "quantizer": quantizer,
        "fine-tuner": fine_tuner,
    }
    return [Kind("full disk", called, somewhere(attempt)) for called, attempt in found.items()]
