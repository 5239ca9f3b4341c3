"""Print what the zoo knows about models as JSON: ``python model_zoo/info_dumper.py --all``.

The keys are those of Open Model Zoo's ``omz_info_dumper``; ``--measure`` adds figures of converted models.
Exit codes: 0 success, 1 failure, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path

if __name__ == "__main__":  # before the imports below, which take a while
    if not __package__:  # run as a script, whose folder must not be on the path
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from model_zoo.__main__ import run

    sys.exit(run("info_dumper"))

from model_zoo.catalog.arguments import shape
from model_zoo.catalog.command import FAILED, FINE, entry_points
from model_zoo.catalog.folders import find_without_network
from model_zoo.catalog.information import model_information
from model_zoo.catalog.selection import add_models_folder, add_selection_arguments, selected_models

__all__ = ["main", "omz"]


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    models = selected_models(
        parser, arguments, partial(find_without_network, output_dir=arguments.output_dir)
    )
    if models is None:
        return FINE
    dump = [model_information(model) for model in models]
    status = FINE
    if arguments.measure:
        from model_zoo.convert.measurement import MeasurementError, measure_installed

        status = FAILED  # if there is nothing to measure for any of them
        for model, information in zip(models, dump, strict=True):
            try:
                found = measure_installed(model, arguments.output_dir, arguments.shape, arguments.zoo)
                status = FINE
            except MeasurementError as error:
                found = {}
                sys.stderr.write(f"{error}\n")
            information["measurements"] = found
    json.dump(dump, sys.stdout, indent=4)
    sys.stdout.write("\n")
    return status


def _parser(omz: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Print information about models as JSON.")
    add_selection_arguments(parser)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="also GOps, MParams, inputs, outputs and sizes of the converted models, by precision",
    )
    parser.add_argument(
        "--shape",
        type=shape,
        default=(1, 128),
        metavar="BATCH,LENGTH",
        help="input shape for --measure (default: 1,128)",
    )
    add_models_folder(parser, "-o", "--output_dir", omz=omz, use=" for --measure")
    return parser


main, omz = entry_points(_parser, _run)
