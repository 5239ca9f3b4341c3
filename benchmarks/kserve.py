r"""Check devices ``kserve://…`` and ``grpc://…`` with a real server, MLServer.

MLServer needs versions of FastAPI and pydantic that conflict with the demo's, so it needs a separate
environment::

    python -m venv .venv-kserve && .venv-kserve/bin/pip install mlserver openvino
    python -m benchmarks.kserve --mlserver .venv-kserve/bin/mlserver \
        --xml model_zoo/models/public/minilm-ner/INT8/minilm-ner.xml

The script writes a custom runtime for the IR, starts the server on free ports of this machine, and compares
its entities with those of the CPU here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import command_line

if TYPE_CHECKING:
    from ner_core import EntityRecognizer

RUNTIME = '''"""Runs an OpenVINO IR in MLServer."""

import numpy as np
import openvino as ov
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Ir(MLModel):
    async def load(self) -> bool:
        self._compiled = ov.Core().compile_model(
            self.settings.parameters.uri, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        return True

    async def predict(self, payload):
        inputs = {each.name: NumpyCodec.decode_input(each).astype(np.int64) for each in payload.inputs}
        logits = self._compiled(inputs)[0]
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("output", logits)])
'''


def settings(name: str, xml: Path, labels: int) -> dict:
    """Return the settings of the model for MLServer."""
    ports = ("input_ids", "attention_mask", "token_type_ids")
    return {
        "name": name,
        "implementation": "ir_runtime.Ir",
        "parameters": {"uri": str(xml)},
        "inputs": [{"name": port, "datatype": "INT64", "shape": [-1, -1]} for port in ports],
        "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, -1, labels]}],
    }


def main() -> int:
    """Start the server, compare, stop it."""
    parser = command_line(__doc__)
    parser.add_argument("--mlserver", required=True, help="the mlserver command")
    parser.add_argument("--xml", type=Path, required=True, help="IR to serve, its tokenizer.json beside it")
    args = parser.parse_args()
    command = shutil.which(args.mlserver)
    if command is None:
        parser.error(f"--mlserver: expected a command, found none at {args.mlserver}")

    from ner_core import DeviceError, EntityRecognizer

    here = EntityRecognizer.from_ir(args.xml, device="CPU", compute="exact")  # as the server computes
    texts = [
        f"Mary {number} lives in Santa Clara and works at NVIDIA. " * (number % 5 + 1) for number in range(60)
    ]
    with tempfile.TemporaryDirectory(prefix="ner-kserve-") as folder:
        with contextlib.ExitStack() as stack:
            taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
            http, grpc, metrics = (each.getsockname()[1] for each in taken)
        Path(folder, "ir_runtime.py").write_text(RUNTIME, "utf-8")
        described = settings("served", args.xml.resolve(), len(here.tags))
        Path(folder, "model-settings.json").write_text(json.dumps(described), "utf-8")
        served = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics}
        Path(folder, "settings.json").write_text(json.dumps({**served, "parallel_workers": 0}), "utf-8")
        environment = {**os.environ, "PYTHONPATH": folder}
        with Path(folder, "log").open("w") as log:
            server = subprocess.Popen([command, "start", folder], stdout=log, stderr=log, env=environment)
        try:
            expected = here.batch(texts)
            for address in (f"kserve://127.0.0.1:{http}/served", f"grpc://127.0.0.1:{grpc}/served"):
                there = connect(args.xml, address)
                difference = compare(expected, there.batch(texts))
                print(f"{len(texts)} texts, {address}: largest difference of scores {difference:.1e}")
                try:
                    EntityRecognizer.from_ir(args.xml, device=address.replace("/served", "/nobody"))
                except DeviceError as error:
                    print(f"message for a model that is not served: {error}")
        except Exception:
            sys.stderr.write(Path(folder, "log").read_text("utf-8", "replace")[-3000:])
            raise
        finally:
            server.terminate()
            server.wait(30)
    return 0


def connect(xml: Path, address: str, seconds: float = 60) -> EntityRecognizer:
    """Connect as soon as the server answers."""
    from ner_core import DeviceError, EntityRecognizer

    end = time.monotonic() + seconds
    while True:
        try:
            return EntityRecognizer.from_ir(xml, device=address)
        except DeviceError:  # noqa: PERF203 - a second between tries
            if time.monotonic() > end:
                raise
            time.sleep(1)


def compare(ours: list, theirs: list) -> float:
    """Check that the same entities were found; return the largest difference of their scores."""
    largest = 0.0
    for one, other in zip(ours, theirs, strict=True):
        found, wanted = (
            [(each.start, each.end, each.label) for each in side.entities] for side in (other, one)
        )
        if found != wanted:
            msg = f"{one.text!r}: {wanted} here, {found} from the server"
            raise AssertionError(msg)
        pairs = zip(one.entities, other.entities, strict=True)
        largest = max([largest, *(abs(a.score - b.score) for a, b in pairs)])
    return largest


if __name__ == "__main__":
    sys.exit(main())
