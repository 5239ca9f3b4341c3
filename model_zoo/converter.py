"""Convert downloaded models to OpenVINO IR: ``python -m model_zoo.converter --name bert-base-ner``.

Takes Open Model Zoo's flags with the same meaning. Writes ``<name>.xml``, ``<name>.bin`` and
``tokenizer.json``, which are all it takes to run the model, to ``<output_dir>/public/<name>/<PRECISION>/``.
Exit codes: 0 success, 1 a model failed, 2 wrong usage. Also installed as ``omz_converter``, with the defaults
of Open Model Zoo's tool.
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

    sys.exit(run("converter"))

from model_zoo.catalog.arguments import not_negative, positive_integer, shape, user_path
from model_zoo.catalog.command import FINE, entry_points, report_failed
from model_zoo.catalog.events import JsonReporter
from model_zoo.catalog.folders import find_without_network, model_folder
from model_zoo.catalog.layout import CONVERTED, OMZ_PRECISIONS
from model_zoo.catalog.locks import remove_locks
from model_zoo.catalog.selection import add_models_folder, add_selection_arguments, selected
from model_zoo.convert.conversion import DEFAULT_PRECISIONS, ConversionError
from model_zoo.convert.job import convert, convert_all, plan
from model_zoo.convert.reporting import TextReporter
from ner_core.hardware import processors

if TYPE_CHECKING:
    from model_zoo.catalog.schema import Model

__all__ = ["main", "omz"]


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    for flag, given in (("--mo", arguments.mo), ("--add_mo_arg", arguments.add_mo_arg)):
        if given:
            sys.stderr.write(f"note: {flag} is ignored: `mo` left OpenVINO in 2025.0, none is needed here.\n")
    lookup = partial(find_without_network, output_dir=arguments.download_dir)
    models, asked = selected(parser, arguments, lookup, OMZ_PRECISIONS)
    if models is None:
        return FINE
    asked = asked or list(DEFAULT_PRECISIONS)
    precisions = [precision for precision in asked if precision in CONVERTED]
    report = JsonReporter() if arguments.progress_format == "json" else TextReporter(omz=arguments.omz)
    parts = list({part.name: part for model in models for part in (model.stages or [model])}.values())
    if skipped := [precision for precision in asked if precision not in precisions]:
        sys.stderr.write(f"note: skipping {', '.join(skipped)}: not made by conversion, see quantizer.py.\n")
    if not precisions:
        for model in parts:
            reason = "all conversions skipped"
            report({"$type": "model_conversion_skipped", "model": model.name, "reason": reason})
        return FINE
    where = (arguments.download_dir, arguments.output_dir)

    def attempt(model: Model) -> bool:
        try:
            if arguments.dry_run:
                lines = plan(model, *where, precisions=precisions, input_shape=arguments.input_shape)
                sys.stdout.writelines(f"{line}\n" for line in lines)
                return True
            convert(
                model,
                *where,
                precisions=precisions,
                input_shape=arguments.input_shape,
                tolerance=arguments.tolerance,
                progress=report,
                python=arguments.python,
            )
        except ConversionError as error:
            sys.stderr.write(f"{error}\n")
            return False
        finally:
            if arguments.omz:
                remove_locks(model_folder(model, arguments.output_dir or arguments.download_dir))
        return True

    failed = convert_all(parts, attempt, 1 if arguments.dry_run else arguments.jobs)
    return report_failed(failed, to_output=arguments.omz)


def _jobs(text: str) -> int:
    """Parse a number of jobs, or ``auto`` for one per processor that may be used."""
    return processors() if text == "auto" else positive_integer(text)


def _parser(omz: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Convert models of the zoo to OpenVINO IR.")
    add_selection_arguments(parser)
    where = parser.add_argument_group("where")
    add_models_folder(where, "-d", "--download_dir", omz=omz, use=" to read")
    where.add_argument(
        "-o",
        "--output_dir",
        type=user_path,
        metavar="DIR",
        help="models folder to write (default: --download_dir)",
    )
    parser.add_argument(
        "--precisions",
        metavar="P[,P...]",
        help=f"of {', '.join(CONVERTED)} (INT8: weights in 8 bits); default {','.join(DEFAULT_PRECISIONS)}",
    )
    parser.add_argument(
        "--input_shape",
        type=shape,
        metavar="1x128",
        help="make a variant of this fixed shape, in <PRECISION>-1x128",
    )
    parser.add_argument(
        "--tolerance",
        type=not_negative,
        metavar="SHARE",
        help="largest difference from the source, relative to its largest logit",
    )
    parser.add_argument(
        "-p",
        "--python",
        default=sys.executable,
        metavar="PYTHON",
        help="Python that has torch and transformers",
    )
    parser.add_argument("--dry_run", "--dry-run", action="store_true", help="print what would be done")
    parser.add_argument(
        "-j", "--jobs", type=_jobs, default=1, metavar="N|auto", help="models to convert in parallel"
    )
    parser.add_argument(
        "--progress_format", choices=("text", "json"), default="text", help="json: one event per line"
    )
    parser.add_argument("--mo", metavar="MO.PY", help="accepted for Open Model Zoo's scripts, ignored")
    parser.add_argument(
        "--add_mo_arg",
        "--add-mo-arg",
        action="append",
        metavar="ARG",
        help="accepted, ignored; see --input_shape",
    )
    return parser


main, omz = entry_points(_parser, _run)
