"""Compression and quantization to 8 bits by NNCF, in a separate process.

    python -m model_zoo.convert.compression weights SOURCE TARGET
    python -m model_zoo.convert.compression activations SOURCE TARGET CPU

The first stores every matrix, embeddings included, in 8 bits with a scale and a zero point a row:
https://docs.openvino.ai/2025/openvino-workflow/model-optimization-guide/weight-compression.html. Activations
are unchanged, so accuracy hardly changes; the file has a quarter of the size. The second is
post-training quantization for transformers (`nncf.quantize` with ``model_type=TRANSFORMER``, preset
``mixed``), which is what Open Model Zoo's quantization.yml of bert-base-ner asked for.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.convert.four_bits import store_in_four_bits
from model_zoo.convert.ir import save_graph
from model_zoo.convert.tracing import read_reference
from model_zoo.convert.workers import report_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

__all__ = ["TARGET_DEVICES", "compress_weights", "quantize_graph"]

#: Names of `nncf.TargetDevice`.
TARGET_DEVICES = ("ANY", "CPU", "GPU", "NPU", "CPU_SPR")


def compress_weights(source: Path, target: Path) -> None:
    """Compress the weights of an .xml or .onnx file into an .xml; those compressed already are unchanged."""
    import nncf
    import openvino as ov

    nncf.set_log_level(logging.ERROR)
    model = ov.Core().read_model(source)
    store_in_four_bits(model)
    model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
    save_graph(model, target)


def quantize_graph(
    source: Path, target: Path, inputs: Sequence[dict[str, np.ndarray]], target_device: str = "ANY"
) -> None:
    """Quantize a graph, calibrated on `inputs`.

    `target_device`, of `TARGET_DEVICES`, says which operations can run in 8 bits.
    """
    import nncf
    import openvino as ov

    nncf.set_log_level(logging.ERROR)
    model = nncf.quantize(
        ov.Core().read_model(source),
        nncf.Dataset(inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(inputs),
        target_device=nncf.TargetDevice[target_device],
    )
    save_graph(model, target)


def main(argv: Sequence[str] | None = None) -> int:
    """Compress or quantize: what to do, source, target, and for activations the target device."""
    what, *arguments = sys.argv[1:] if argv is None else argv
    source, target = map(Path, arguments[:2])

    def work() -> None:
        if what == "weights":
            compress_weights(source, target)
            return
        inputs, _ = read_reference(target.parent)
        quantize_graph(source, target, inputs, *arguments[2:])

    return report_failure(target.parent, work, RuntimeError)


if __name__ == "__main__":
    sys.exit(main())
