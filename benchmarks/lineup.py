"""The contenders of a comparison, their settings, and their processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import checkpoints

if TYPE_CHECKING:
    import argparse

    import numpy as np

ROOT = Path(__file__).resolve().parent.parent

#: Contender -> the contender that it is a variant of, and the settings that differ.
VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "ner-zoo-throughput": ("ner-zoo", {"hint": "THROUGHPUT"}),
    "ner-zoo-bf16": ("ner-zoo", {"compute": "bf16"}),
    "ner-zoo-int8-weights": ("ner-zoo", {"xml": "INT8"}),
    "ner-zoo-int8": ("ner-zoo", {"xml": "FP16-INT8"}),
    "ner-zoo-default": ("ner-zoo", {"xml": "INT8", "compute": "int8+bf16"}),
    "onnxruntime-int8": ("onnxruntime", {"onnx": "dynamic"}),
    "onnxruntime-static": ("onnxruntime", {"onnx": "static"}),
    "transformers-bf16": ("transformers", {"dtype": "bfloat16"}),
}

_STANDARD = ("ner-zoo", "transformers", "torch", "onnxruntime", "padded", "spacy", "spacy-ner")
_SETTINGS: dict[str, tuple[int | None, ...]] = {
    "transformers": (1, 8, 32),
    "torch": (512, 2048),
    "onnxruntime": (512, 2048),
}
#: Contender -> values of its setting (batch size, or pieces in a batch), of which the best counts.
OPTIONS: dict[str, tuple[int | None, ...]] = {
    name: _SETTINGS.get(VARIANTS[name][0] if name in VARIANTS else name, (None,))
    for name in (*_STANDARD, *VARIANTS)
}


class Worker:
    """The process of a contender."""

    def __init__(self, name: str, kind: str, python: str, settings: dict[str, Any]) -> None:
        self.name = name
        environment = os.environ | {"TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.contenders", kind, json.dumps(settings)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.error = self._read().get("error")

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **values}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": f"{self.name}: the process ended"}

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def start(
    arguments: argparse.Namespace, settings: dict[str, Any], sample: list[dict[str, np.ndarray]]
) -> tuple[list[Worker], dict[str, str]]:
    """Start all contenders; return those that run, and why others do not."""
    workers, failures = [], {}
    for name in arguments.contenders:
        python = arguments.spacy_python if name.startswith("spacy") else sys.executable
        kind, changes = VARIANTS.get(name, (name, {}))
        if changes.get("xml", "FP32") not in {"FP32", *settings["irs"]}:
            failures[name] = f"no {changes['xml']} of this model was given"
            continue
        if "xml" in changes:
            changes = {**changes, "xml": settings["irs"][changes["xml"]]}
        if "onnx" in changes:
            given = sample if changes["onnx"] == "static" else []
            changes = {**changes, "onnx": checkpoints.quantize_onnx(Path(settings["onnx"]), given)}
        worker = Worker(name, kind, python, {**settings, **changes})
        if worker.error:
            failures[name] = worker.error
            print(f"{name}: not measured: {worker.error}", file=sys.stderr, flush=True)
        else:
            workers.append(worker)
    return workers, failures
