"""What tests of several packages need; no network, no downloads."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, settings

from tests.tiny_bert import save_checkpoint, save_ir

ROOT = Path(__file__).parents[1]
collect_ignore = ["model_zoo/convert/nemo_model.py"]  # imports torch

# How fast examples are made says something about the machine, not about the code.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# A script that starts the tests with "&" makes them, and every program they start, deaf to interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep a file's tests in one process, those of the browser too, and those that load transformers."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))


def wait_until_ready(address: str, process: subprocess.Popen, log: Path) -> None:
    """Wait for a page that was started; fail with its log when it ended or has a problem."""
    deadline = time.monotonic() + 600
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
