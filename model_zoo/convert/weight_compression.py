"""Weights in 8 bits, by NNCF, in a process of its own.

    python -m model_zoo.convert.weight_compression SOURCE TARGET

Every matrix, embeddings included, becomes 8 bits a number with a scale and a zero point a row:
https://docs.openvino.ai/2025/openvino-workflow/model-optimization-guide/weight-compression.html. Activations
stay as they are, so that accuracy hardly changes; the file has a quarter of the size.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model_zoo.convert.workers import report_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["compress_weights"]


def compress_weights(source: Path, target: Path) -> None:
    """Compress the weights of a graph.

    Parameters
    ----------
    source : pathlib.Path
        An .xml or .onnx file; weights that are compressed already stay as they are.
    target : pathlib.Path
        The .xml to write.
    """
    import nncf
    import openvino as ov

    nncf.set_log_level(logging.ERROR)
    model = nncf.compress_weights(ov.Core().read_model(source), mode=nncf.CompressWeightsMode.INT8_ASYM)
    ov.save_model(model, target, compress_to_fp16=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run `compress_weights` from the command line."""
    parser = argparse.ArgumentParser(description="Compress weights to 8 bits (called by converter.py).")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args(argv)
    return report_failure(
        arguments.target.parent, lambda: compress_weights(arguments.source, arguments.target), RuntimeError
    )


if __name__ == "__main__":
    sys.exit(main())
