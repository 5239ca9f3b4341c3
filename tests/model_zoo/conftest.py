"""A server that does wrong what a test tells it to; conversion without starting another Python with torch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from model_zoo.convert import compression, conversion, losses, quantization, tracing
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
def plain_processor(monkeypatch):
    """Measure no losses, as where float32 is the fastest arithmetic: each other kind is compiled and run."""
    monkeypatch.setattr(losses, "fast_arithmetic", frozenset)


@pytest.fixture
def traced_here(monkeypatch, trace_here, plain_processor):
    """Trace in this process, and the tiny checkpoint, as it is, only once in a session."""
    monkeypatch.setattr(conversion, "_trace", trace_here)


@pytest.fixture(scope="session")
def trace_here(tiny_checkpoint, tiny_trace):
    """What takes the place of the worker that traces."""
    real = tracing.convert_module

    def trace(source, staging, shape, overrides, python):
        given = {key for key, value in overrides.items() if value is not None} | (
            {"shape"} if shape else set()
        )
        known = tracing.convert_module is real and same_checkpoint(source, tiny_checkpoint)
        if known and not given:
            for file in tiny_trace.iterdir():
                (staging / file.name).write_bytes(file.read_bytes())
            return
        with pytest.MonkeyPatch.context() as patch:
            if known and "token_type_ids" not in given:  # the others leave the graph as it is
                patch.setattr(tracing, "convert_module", lambda _: read_model(tiny_trace / "source.xml"))
            tracing.trace(source, staging, shape, overrides)

    return trace


def read_model(xml):
    import openvino as ov

    return ov.Core().read_model(xml)


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
        levels = [(handler, handler.level) for handler in logging.root.handlers]
        assert compression.main(arguments) == 0
        for handler, level in levels:  # NNCF raises those of pytest, which outlive the test
            handler.setLevel(level)
        for known in logging.Logger.manager.loggerDict.values():  # NNCF silences those that were there
            if isinstance(known, logging.Logger):
                known.disabled = False
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantization, "run_worker", worker)
        patch.setattr(conversion, "run_worker", worker)
        yield


@pytest.fixture(scope="session")
def converted(tiny_checkpoint, tmp_path_factory, trace_here, nncf_here):
    """The tiny checkpoint in all precisions."""
    events = []
    folder = tmp_path_factory.mktemp("converted") / "public" / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "_trace", trace_here)
        made = conversion.convert_checkpoint(
            tiny_checkpoint, folder, "tiny", precisions=["FP32", "FP16", "INT8"], progress=events.append
        )
    return folder, made, events
