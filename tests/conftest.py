"""What tests of several packages need; no network, no downloads."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import HealthCheck, settings

from tests.groups import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401 - hooks
from tests.tiny_bert import save_checkpoint, save_ir

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
PATIENCE = 600  # seconds that a test waits for something; a busy machine is slow, not wrong
collect_ignore = ["model_zoo/convert/nemo_model.py"]  # imports torch

# How fast examples are made says something about the machine, not about the code. `make test` tries the same
# examples each time, so that it fails where it failed; `make test-all` tries new ones.
settings.register_profile(
    "the same",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    max_examples=30,
)
settings.register_profile("new", settings.get_profile("the same"), derandomize=False, max_examples=100)
settings.load_profile("the same")

# torch's second thread waits in a loop for work that tiny models do not have: 23 seconds of processor time
# where one thread takes 1.4 (545 texts, two processors). Programs that tests start inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Each process has its own ports, below those that the system gives away and above 10080, the last that
# browsers refuse (https://fetch.spec.whatwg.org/#port-blocking); Gradio begins with the first.
_PORTS = 10_100 + os.getpid() % 200 * 100
os.environ["GRADIO_SERVER_PORT"] = str(_PORTS)

# A script that starts the tests with "&" makes them, and every program they start, deaf to interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# What tests make is soon gone without the collector, which would look through all of it forty times as often.
gc.set_threshold(20_000)

_modules_set_aside = 0


def set_aside() -> None:
    """Exempt collected tests and loaded modules from garbage collection: with torch each run takes 0.3 s."""
    global _modules_set_aside
    gc.collect()
    gc.freeze()
    _modules_set_aside = len(sys.modules)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    gc.disable()  # next to nothing that is made here is garbage
    try:
        return (yield)
    finally:
        set_aside()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Set large packages aside; draw the same random weights in whatever order tests run."""
    if len(sys.modules) > _modules_set_aside + 300:
        set_aside()
    # torch.manual_seed also looks for GPUs, which takes three milliseconds for each test.
    if generator := getattr(sys.modules.get("torch"), "default_generator", None):
        generator.manual_seed(0)


def assert_alike(one, other):
    assert [(e.start, e.end, e.label) for e in one.entities] == [
        (e.start, e.end, e.label) for e in other.entities
    ]
    assert [e.score for e in one.entities] == pytest.approx([e.score for e in other.entities], abs=1e-4)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen | None = None) -> None:
    """Wait until something is so; fail when it takes too long, or the process ended before."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process is None or process.poll() is None, "the process has ended"
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port for a program that is about to be started."""
    for port in random.sample(range(_PORTS + 50, _PORTS + 100), 50):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    msg = f"no port is free between {_PORTS + 50} and {_PORTS + 100}"
    raise OSError(msg)


def wait_until_ready(address: str, process: subprocess.Popen, log: Path) -> None:
    """Wait for a page that was started; fail with its log when it ended or has a problem."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            answer = requests.get(f"{address}/readyz", timeout=20)
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.2)
            continue
        assert not answer.json().get("problem"), answer.json()
        if answer.ok:
            return
        time.sleep(0.2)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """A Hugging Face folder: config.json, model.safetensors, tokenizer.json, vocab.txt."""
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    folder.mkdir()
    save_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_ir(tiny_checkpoint, tmp_path_factory):
    """The folder of the checkpoint's IR: tiny.xml, tiny.bin, tokenizer.json."""
    folder = tmp_path_factory.mktemp("models") / "public" / "tiny" / "FP32"
    folder.mkdir(parents=True)
    save_ir(tiny_checkpoint, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_ner(tiny_ir):
    """An EntityRecognizer of the tiny IR on the CPU."""
    from ner_core import EntityRecognizer

    return EntityRecognizer.from_ir(tiny_ir / "tiny.xml", device="CPU")


@pytest.fixture(scope="module")
def compiled_kept():
    """Keep every compiled model until the end of the file, so that its tests compile each only once."""
    from ner_core import engine

    kept, compile_once = [], engine.compile_once

    def compile_and_keep(*arguments, **options):
        kept.append(compile_once(*arguments, **options))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "compile_once", compile_and_keep)
        yield


@pytest.fixture(scope="session")
def two_models(tiny_ir, tmp_path_factory):
    """A models folder with the tiny model under the names and in the precision of the embedded ones."""
    base = tmp_path_factory.mktemp("zoo")
    for name in ("minilm-ner", "multilingual-ner"):
        folder = base / "public" / name / "INT8"
        folder.mkdir(parents=True)
        for suffix in ("xml", "bin"):
            shutil.copy(tiny_ir / f"tiny.{suffix}", folder / f"{name}.{suffix}")
        shutil.copy(tiny_ir / "tokenizer.json", folder)
    return base


@pytest.fixture(scope="session")
def compressed():
    """A function: bytes and ``gzip`` or ``zstd``, to compressed bytes."""
    import pyarrow

    def compress(content, name):
        sink = pyarrow.BufferOutputStream()
        with pyarrow.CompressedOutputStream(sink, name) as stream:
            stream.write(content)
        return sink.getvalue().to_pybytes()

    return compress
