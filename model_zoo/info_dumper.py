"""Print what the zoo knows about models as JSON: ``python model_zoo/info_dumper.py --all``.

The keys are those of Open Model Zoo's ``omz_info_dumper``; with ``--measure`` further ones, read from the
converted models. Exit codes: 0 fine, 1 something failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a script: python model_zoo/info_dumper.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog.arguments import shape
from model_zoo.catalog.command import FINE, run_command
from model_zoo.catalog.folders import DEFAULT_MODELS_FOLDER, find_hub_model
from model_zoo.catalog.information import model_information
from model_zoo.catalog.selection import add_selection_arguments, selected_models

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "omz"]


def omz(argv: Sequence[str] | None = None) -> int:
    """Run as Open Model Zoo's ``omz_info_dumper``, whose keys and flags are those of this command."""
    return main(argv, omz=True)


def main(argv: Sequence[str] | None = None, *, omz: bool = False) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process where not given.
    omz : bool
        Under the name and from the folder of Open Model Zoo's ``omz_info_dumper``.

    Returns
    -------
    int
        0 fine, 1 something failed; wrong usage leaves with 2.
    """
    parser = argparse.ArgumentParser(
        prog="omz_info_dumper" if omz else "info_dumper",
        description="Print information about models as JSON.",
    )
    add_selection_arguments(parser)
    here = "the current folder" if omz else DEFAULT_MODELS_FOLDER
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
    parser.add_argument(
        "-o",
        "--output_dir",
        type=Path,
        metavar="DIR",
        default=Path.cwd() if omz else None,
        help=f"models folder for --measure (default: {here})",
    )
    arguments = parser.parse_args(argv)
    return run_command(lambda: _dump(parser, arguments))


def _dump(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    lookup = partial(find_hub_model, output_dir=arguments.output_dir)
    models = selected_models(parser, arguments, lookup)
    if models is None:
        return FINE
    dump = [model_information(model) for model in models]
    if arguments.measure:
        from model_zoo.convert.measurement import measure_installed

        for model, information in zip(models, dump, strict=True):
            information["measurements"] = measure_installed(
                model, arguments.output_dir, arguments.shape, arguments.zoo
            )
    json.dump(dump, sys.stdout, indent=4)
    sys.stdout.write("\n")
    return FINE


if __name__ == "__main__":
    sys.exit(main())
