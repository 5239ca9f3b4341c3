"""Quantize converted models to 8 bits: ``python -m model_zoo.quantizer --name bert-base-ner``.

Makes ``FP16-INT8`` (weights and activations in 8 bits) from the FP32 or FP16 IR, calibrated on text, and
reports the share of tokens that keep their label and, on labelled data, the loss of F1; beyond
``--max_drop`` the result is discarded. Takes the flags of Open Model Zoo's quantizer that still apply. Exit
codes: 0 success, 1 a model failed, 2 wrong usage. Also installed as ``omz_quantizer``, with the defaults of
Open Model Zoo's tool.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":  # before the imports below, which take a while
    if not __package__:  # run as a script, whose folder must not be on the path
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from model_zoo.__main__ import run

    sys.exit(run("quantizer"))

from model_zoo.catalog.arguments import not_negative, positive_integer, user_path
from model_zoo.catalog.command import FINE, entry_points, report_failed
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.events import write_line
from model_zoo.catalog.folders import find_without_network, selectable_name
from model_zoo.catalog.layout import QUANTIZED
from model_zoo.catalog.locks import remove_locks
from model_zoo.catalog.selection import add_models_folder, add_selection_arguments, selected
from model_zoo.convert.compression import TARGET_DEVICES
from model_zoo.convert.quantization import MAX_DROP, SUBSET, QuantizationError, quantize, source_of

if TYPE_CHECKING:
    from model_zoo.catalog.schema import Model

__all__ = ["main", "omz"]

#: Outdated device names of Open Model Zoo's quantizer, with their replacements.
_FORMER_DEVICES = {"VPU": "NPU", "GNA": "ANY", "GNA3": "ANY", "GNA3.5": "ANY"}


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    lookup = partial(find_without_network, output_dir=arguments.model_dir)
    models, asked = selected(parser, arguments, lookup, QUANTIZED)
    if models is None:
        return FINE
    if arguments.omz and arguments.calibration is None:
        msg = "--dataset_dir must be specified."
        raise CatalogError(msg)
    default = QUANTIZED if arguments.omz else QUANTIZED[:1]
    precisions = [precision for precision in asked or default if precision in QUANTIZED]
    if not precisions:
        sys.stdout.writelines(f"Skipping {model.name} (all precisions skipped)\n" for model in models)
        return FINE
    failed = [
        model.name for model in models if not all(_attempt(model, one, arguments) for one in precisions)
    ]
    return report_failed(failed, to_output=arguments.omz)


def _attempt(model: Model, precision: str, arguments: argparse.Namespace) -> bool:
    name = selectable_name(model)
    try:
        if arguments.dry_run:
            source = source_of(name, arguments.model_dir, arguments.zoo)
            sys.stdout.write(f"{model.name}: would quantize {source} to {precision}\n")
            return True
        made = quantize(
            name,
            arguments.model_dir,
            arguments.output_dir,
            texts=arguments.calibration,
            dataset=arguments.dataset,
            column=arguments.column,
            max_drop=arguments.max_drop,
            subset=arguments.subset_size,
            target_device=arguments.target_device,
            precision=precision,
            zoo=arguments.zoo,
            progress=lambda step: write_line(f"{model.name}: {step}"),
        )
    except QuantizationError as error:
        sys.stderr.write(f"{error}\n")
        return False
    score = (
        "" if made.f1_after is None else f"; micro F1 {made.f1_before:.4f} before, {made.f1_after:.4f} after"
    )
    notes = "".join(f"; {note}" for note in made.notes)
    sys.stdout.write(
        f"{model.name}: {precision}: {made.size / 1e6:.1f} MB in {made.seconds:.1f} s; calibrated on "
        f"{made.samples} texts, {made.agreement:.1%} of their tokens keep their label{score}{notes}\n"
    )
    if arguments.omz:
        remove_locks(made.xml.parents[1])
    return True


def _device(text: str) -> str:
    """Parse the name of a device; outdated names give their replacement."""
    name = _FORMER_DEVICES.get(text.upper(), text.upper())
    if name not in TARGET_DEVICES:
        known = ", ".join((*TARGET_DEVICES, *_FORMER_DEVICES))
        msg = f"must be one of {known} (got {text!r})"
        raise argparse.ArgumentTypeError(msg)
    return name


def _parser(omz: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Quantize converted models to 8 bits.")
    add_selection_arguments(parser)
    where = parser.add_argument_group("where")
    add_models_folder(where, "--model_dir", omz=omz, use=" to read")
    where.add_argument(
        "-o", "--output_dir", type=user_path, metavar="DIR", help="models folder to write (default: same)"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--calibration",
        "--dataset_dir",
        dest="calibration",
        type=user_path,
        metavar="PATH",
        help="text to calibrate on: one text per line, JSON, or labelled data (default: built-in sentences)",
    )
    data.add_argument(
        "--subset_size", type=positive_integer, default=SUBSET, metavar="N", help=f"texts (default {SUBSET})"
    )
    data.add_argument("--column", metavar="KEY", help="key of the text in JSON files (default: text)")
    data.add_argument("--dataset", type=user_path, metavar="PATH", help="labelled data for the accuracy gate")
    data.add_argument(
        "--max_drop",
        type=not_negative,
        default=MAX_DROP,
        metavar="F1",
        help=f"largest acceptable loss of micro F1 (default {MAX_DROP})",
    )
    default = ",".join(QUANTIZED if omz else QUANTIZED[:1])
    parser.add_argument(
        "--precisions", metavar="P[,P...]", help=f"of {', '.join(QUANTIZED)} (default {default})"
    )
    parser.add_argument(
        "--target_device",
        type=_device,
        default="ANY",
        metavar="DEVICE",
        help=f"one of {', '.join(TARGET_DEVICES)} (default ANY)",
    )
    parser.add_argument("--dry_run", "--dry-run", action="store_true", help="print what would be done")
    parser.add_argument(
        "-p", "--python", metavar="PYTHON", help="accepted for Open Model Zoo's scripts, ignored"
    )
    parser.add_argument("--pot", metavar="POT", help="accepted, ignored: replaced by NNCF")
    return parser


main, omz = entry_points(_parser, _run)
