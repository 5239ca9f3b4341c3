"""Quantize converted models to 8 bits: ``python -m model_zoo.quantizer --name bert-base-ner``.

Makes ``FP16-INT8`` (weights and activations in 8 bits) out of the FP32 or FP16 IR, calibrated on text, and
compares: how many word pieces keep their label, and, on labelled data, how much F1 is lost; beyond
``--max_drop`` nothing is kept. Takes the flags of Open Model Zoo's quantizer that still mean something.
Exit codes: 0 fine, 1 a model failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a script: python model_zoo/quantizer.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog.arguments import positive_integer
from model_zoo.catalog.command import FINE, report_failed, run_command
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.folders import find_hub_model
from model_zoo.catalog.layout import PRECISIONS, QUANTIZED
from model_zoo.catalog.selection import add_selection_arguments, check_precisions, selected_models
from model_zoo.convert.compression import TARGET_DEVICES
from model_zoo.convert.quantization import MAX_DROP, SUBSET, QuantizationError, quantize, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_zoo.catalog.schema import Model

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process where not given.

    Returns
    -------
    int
        0 fine, 1 a model failed; wrong usage leaves with 2.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        asked = check_precisions(arguments.precisions, PRECISIONS) or [QUANTIZED]
    except CatalogError as error:
        parser.error(str(error))
    return run_command(lambda: _run(parser, arguments, asked))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace, asked: Sequence[str]) -> int:
    models = selected_models(parser, arguments, partial(find_hub_model, output_dir=arguments.model_dir))
    if models is None:
        return FINE
    if QUANTIZED not in asked:
        sys.stdout.writelines(f"Skipping {model.name} (all precisions skipped)\n" for model in models)
        return FINE
    return report_failed([model.name for model in models if not _attempt(model, arguments)])


def _attempt(model: Model, arguments: argparse.Namespace) -> bool:
    try:
        if arguments.dry_run:
            source = source_of(model.name, arguments.model_dir, arguments.zoo)
            sys.stdout.write(f"{model.name}: would quantize {source}\n")
            return True
        made = quantize(
            model.name,
            arguments.model_dir,
            arguments.output_dir,
            texts=arguments.calibration,
            dataset=arguments.dataset,
            max_drop=arguments.max_drop,
            subset=arguments.subset_size,
            target_device=arguments.target_device,
            zoo=arguments.zoo,
            progress=lambda step: sys.stdout.write(f"{model.name}: {step}\n"),
        )
    except QuantizationError as error:
        sys.stderr.write(f"{error}\n")
        return False
    score = (
        "" if made.f1_after is None else f"; micro F1 {made.f1_before:.4f} before, {made.f1_after:.4f} after"
    )
    notes = "".join(f"; {note}" for note in made.notes)
    sys.stdout.write(
        f"{model.name}: {QUANTIZED}: {made.size / 1e6:.1f} MB in {made.seconds:.1f} s; calibrated on "
        f"{made.samples} texts, {made.agreement:.1%} of their pieces keep their label{score}{notes}\n"
    )
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quantizer.py", description="Quantize converted models to 8 bits.")
    add_selection_arguments(parser)
    where = parser.add_argument_group("where")
    where.add_argument(
        "--model_dir", type=Path, metavar="DIR", help="models folder to read (default: as elsewhere)"
    )
    where.add_argument(
        "-o", "--output_dir", type=Path, metavar="DIR", help="models folder to write (default: same)"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--calibration",
        "--dataset_dir",
        dest="calibration",
        type=Path,
        metavar="PATH",
        help="text to calibrate on: a text a line, or labelled data (default: built-in sentences)",
    )
    data.add_argument(
        "--subset_size", type=positive_integer, default=SUBSET, metavar="N", help=f"texts (default {SUBSET})"
    )
    data.add_argument("--dataset", type=Path, metavar="PATH", help="labelled data for the accuracy gate")
    data.add_argument(
        "--max_drop",
        type=float,
        default=MAX_DROP,
        metavar="F1",
        help=f"micro F1 that may be lost (default {MAX_DROP})",
    )
    parser.add_argument("--precisions", metavar="P[,P...]", help=f"only {QUANTIZED}")
    parser.add_argument("--target_device", choices=TARGET_DEVICES, default="ANY", help="default ANY")
    parser.add_argument("--dry_run", "--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "-p", "--python", metavar="PYTHON", help="accepted for Open Model Zoo's scripts, ignored"
    )
    parser.add_argument("--pot", metavar="POT", help="accepted, ignored: NNCF has taken its place")
    return parser


if __name__ == "__main__":
    sys.exit(main())
