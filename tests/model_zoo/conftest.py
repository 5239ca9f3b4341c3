"""A server that does wrong what a test tells it to; conversion without starting another Python with torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from model_zoo.convert import compression, conversion, quantization, tracing
from model_zoo.convert.workers import run_worker
from tests.model_zoo.file_server import FileServer
from tests.model_zoo.transfers import CONTENT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def server():
    server = FileServer()
    server.files["/file"] = CONTENT
    server.etags["/file"] = '"one"'
    yield server
    server.close()


@pytest.fixture(scope="session")
def tiny_trace(tiny_checkpoint, tmp_path_factory):
    """What tracing makes of the tiny checkpoint."""
    folder = tmp_path_factory.mktemp("traced")
    tracing.trace(tiny_checkpoint, folder)
    return folder


@pytest.fixture
def traced_here(monkeypatch, tiny_checkpoint, tiny_trace):
    """Trace in this process, and the tiny checkpoint, as it is, only once in a session."""
    real = tracing.convert_module

    def trace(source, staging, shape, overrides, python):
        plain = shape is None and all(value is None for value in overrides.values())
        if plain and tracing.convert_module is real and same_checkpoint(source, tiny_checkpoint):
            for file in tiny_trace.iterdir():
                (staging / file.name).write_bytes(file.read_bytes())
        else:
            tracing.trace(source, staging, shape, overrides)

    monkeypatch.setattr(conversion, "_trace", trace)


def same_checkpoint(one: Path, other: Path) -> bool:
    return all(
        (one / name).is_file() and (one / name).read_bytes() == (other / name).read_bytes()
        for name in ("config.json", "tokenizer.json", "model.safetensors")
    )


@pytest.fixture(scope="session")
def nncf_here():
    """Quantize in this process."""

    def worker(module, arguments, folder, python=""):
        if module != "model_zoo.convert.compression":
            return run_worker(module, arguments, folder)
        assert compression.main(arguments) == 0
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantization, "run_worker", worker)
        yield
