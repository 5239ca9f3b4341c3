"""Download models: ``python model_zoo/downloader.py --name bert-base-ner``, with Open Model Zoo's flags.

--help lists the flags. Exit codes: 0 success, 1 failure (failed models are listed), 2 wrong usage. Also
installed as ``omz_downloader``, with the defaults of Open Model Zoo's tool.
"""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if __name__ == "__main__":  # before the imports below, which take a while
    if not __package__:  # run as a script, whose folder must not be on the path
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from model_zoo.__main__ import run

    sys.exit(run("downloader"))

from model_zoo.catalog.arguments import positive_integer, user_path
from model_zoo.catalog.command import FAILED, FINE, INTERRUPTED, USAGE, entry_points, report_failed
from model_zoo.catalog.errors import CatalogError
from model_zoo.catalog.events import JsonReporter
from model_zoo.catalog.folders import find_model, model_folder
from model_zoo.catalog.layout import OMZ_PRECISIONS, PRECISIONS
from model_zoo.catalog.messages import command_for
from model_zoo.catalog.selection import add_models_folder, add_selection_arguments, selected
from model_zoo.download import hub
from model_zoo.download.cache import FileCache
from model_zoo.download.job import download_all
from model_zoo.download.remote import Patience
from model_zoo.download.reporting import TextReporter
from model_zoo.download.transfer import Transfer
from model_zoo.download.verification import plan, verify

if TYPE_CHECKING:
    from model_zoo.catalog.schema import Model

__all__ = ["main", "omz"]


class _OmzParser(argparse.ArgumentParser):
    """Report errors on standard error and the full help on standard output, as Open Model Zoo's tools do."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"error: {message}\n")
        self.print_help()
        self.exit(USAGE)


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("model_zoo").setLevel(logging.INFO)
    lookup = partial(_lookup, arguments=arguments)
    models, precisions = selected(parser, arguments, lookup, OMZ_PRECISIONS)
    if models is None:
        return FINE
    if arguments.verify:
        return _verify(models, arguments.output_dir, precisions)
    if arguments.dry_run:
        for model in models:
            sys.stdout.writelines(f"{line}\n" for line in plan(model, arguments.output_dir, precisions))
        return FINE
    if not sys.stderr.isatty():
        return _download(models, arguments, precisions)
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm():  # log lines go above the progress bars
        return _download(models, arguments, precisions)


def _lookup(name: str, arguments: argparse.Namespace) -> Model:
    if not name.startswith("hf:"):
        msg = f"{name}: is on this machine already. To convert it: {command_for('converter', name)}"
        raise CatalogError(msg)
    known = find_model(name, output_dir=arguments.output_dir) if arguments.verify else None
    return known or hub.look_up(name, arguments.output_dir, offline=arguments.offline)


def _download(models: list[Model], arguments: argparse.Namespace, precisions: list[str] | None) -> int:
    as_json = arguments.progress_format == "json"
    reporter = JsonReporter(omz=arguments.omz) if as_json else TextReporter(omz=arguments.omz)
    transfer = Transfer(
        patience=Patience(attempts=arguments.num_attempts),
        offline=arguments.offline,
        cache=FileCache(arguments.cache_dir) if arguments.cache_dir else None,
    )
    try:
        problems = download_all(
            models,
            arguments.output_dir,
            precisions=precisions,
            progress=reporter,
            transfer=transfer,
            jobs=arguments.jobs,
            omz=arguments.omz,
        )
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; run the same command again to resume.\n")
        return INTERRUPTED
    finally:
        reporter.close()
    sys.stderr.writelines(f"{name}: {problem}\n" for name, found in problems.items() for problem in found)
    return report_failed(problems, to_output=not as_json)


def _verify(models: list[Model], output_dir: Path | None, precisions: list[str] | None) -> int:
    right = True
    for model in models:
        sys.stdout.write(f"{model.name} in {model_folder(model, output_dir)}\n")
        for file, found in verify(model, output_dir, precisions=precisions).items():
            sys.stdout.write(f"  {file}: {found}\n")
            right = right and found in ("right", "not verifiable")
    return FINE if right else FAILED


def _parser(omz: bool) -> argparse.ArgumentParser:
    parser = (_OmzParser if omz else argparse.ArgumentParser)(
        description="Download models, verify them, and run their postprocessing."
    )
    attempts, jobs = (1, 1) if omz else (5, 4)
    add_selection_arguments(parser)
    parser.add_argument(
        "--precisions",
        metavar="PREC[,PREC...]",
        help=f"precisions to fetch of models published as IR: {', '.join(PRECISIONS)}",
    )
    add_models_folder(parser, "-o", "--output_dir", omz=omz)
    parser.add_argument(
        "--cache_dir", type=user_path, metavar="DIR", help="content-addressed cache to use and fill"
    )
    parser.add_argument(
        "--num_attempts",
        type=positive_integer,
        metavar="N",
        default=attempts,
        help=f"attempts for each source (default: {attempts})",
    )
    parser.add_argument(
        "--progress_format", choices=("text", "json"), default="text", help="lines, or JSON events"
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive_integer,
        metavar="N",
        default=jobs,
        help=f"{'models' if omz else 'files'} at a time (default: {jobs})",
    )
    parser.add_argument("--offline", action="store_true", help="do not use the network")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--verify", action="store_true", help="check the files on disk; download nothing")
    mode.add_argument(
        "--dry_run", action="store_true", help="print what would be downloaded; download nothing"
    )
    return parser


main, omz = entry_points(_parser, _run)
