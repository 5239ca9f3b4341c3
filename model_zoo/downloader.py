"""Download models: ``python model_zoo/downloader.py --name bert-base-ner``, with Open Model Zoo's flags.

Run with --help for the flags. Exit codes: 0 fine, 1 something failed (the models are listed), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __package__ in (None, ""):  # run as a script: python model_zoo/downloader.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo.catalog import folders
from model_zoo.catalog.selection import add_selection_arguments, check_precisions, selected_models
from model_zoo.catalog.zoo import PRECISIONS, CatalogError, load_catalog
from model_zoo.download import hub
from model_zoo.download.cache import FileCache
from model_zoo.download.job import Job
from model_zoo.download.reporting import JsonReporter, TextReporter, readable_size
from model_zoo.download.transfer import Patience, Transfer
from model_zoo.download.verification import verdict, verify, wanted_files
from model_zoo.download.wheels import Wheelhouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_zoo.catalog.zoo import Model

__all__ = ["main"]

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0 fine, 1 something failed; wrong usage leaves with 2.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("model_zoo").setLevel(logging.INFO)
    try:
        precisions = check_precisions(arguments.precisions, PRECISIONS)
    except CatalogError as error:
        parser.error(str(error))
    try:
        models = selected_models(parser, arguments, partial(_lookup, arguments=arguments))
        if models is None:
            sys.stdout.writelines(f"{model.name}\n" for model in load_catalog(arguments.models_dir))
            return 0
    except CatalogError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments.verify:
        return _verify_all(models, arguments.output_dir, precisions)
    if arguments.dry_run:
        return _plan_all(models, arguments.output_dir, precisions)
    with _terminated_as_interrupted():
        if not sys.stderr.isatty():
            return _download_all(models, arguments, precisions)
        from tqdm.contrib.logging import logging_redirect_tqdm

        with logging_redirect_tqdm():  # log lines go above the progress bars
            return _download_all(models, arguments, precisions)


def _lookup(name: str, arguments: argparse.Namespace) -> Model:
    known = folders.find_model(name, output_dir=arguments.output_dir)
    if known is not None and (arguments.offline or arguments.verify):
        return known
    return hub.resolve(name, offline=arguments.offline)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end the run as orderly as Ctrl-C does; only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _download_all(models: list[Model], arguments: argparse.Namespace, precisions: list[str] | None) -> int:
    reporter = JsonReporter() if arguments.progress_format == "json" else TextReporter()
    cancel = threading.Event()
    with (
        Wheelhouse() as wheels,
        ThreadPoolExecutor(arguments.jobs) as files,
        ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        transfer = Transfer(
            patience=Patience(attempts=arguments.num_attempts),
            offline=arguments.offline,
            cache=FileCache(arguments.cache_dir) if arguments.cache_dir else None,
            cancel=cancel,
            wheels=wheels,
        )
        job = Job(folders.models_dir(arguments.output_dir), precisions, reporter, transfer, files)
        parts = [(model, part) for model in models for part in (model.stages or [model])]
        running = [(model, pool.submit(job.attempt, part)) for model, part in parts]
        try:
            problems = [(model, future.result()) for model, future in running]
        except KeyboardInterrupt:
            cancel.set()
            reporter.close()
            sys.stderr.write("Interrupted; the same command goes on from here.\n")
            return 1
    reporter.close()
    failed = {model.name: None for model, problem in problems if problem is not None}
    for model, problem in problems:
        if problem is not None:
            sys.stderr.write(f"{model.name}: {problem}\n")
    if failed:
        out = sys.stderr if arguments.progress_format == "json" else sys.stdout
        out.write("FAILED:\n" + "".join(f"{name}\n" for name in failed))
    return 1 if failed else 0


def _verify_all(models: list[Model], output_dir: Path | None, precisions: list[str] | None) -> int:
    right = True
    for model in models:
        sys.stdout.write(f"{model.name} in {folders.model_folder(model, output_dir)}\n")
        for file, found in verify(model, output_dir, precisions=precisions).items():
            sys.stdout.write(f"  {file}: {found}\n")
            right = right and found in ("right", "not verifiable")
    return 0 if right else 1


def _plan_all(models: list[Model], output_dir: Path | None, precisions: list[str] | None) -> int:
    for model in models:
        for part in model.stages or [model]:
            folder = folders.model_folder(part, output_dir)
            sys.stdout.write(f"{part.name} to {folder}\n")
            for file in wanted_files(part, precisions):
                if verdict(file, folder) in ("right", "not verifiable"):
                    sys.stdout.write(f"  {file.name}: already there\n")
                    continue
                sys.stdout.write(f"  {file.name}: {readable_size(file.size)} from {file.sources[0]}\n")
                sys.stdout.writelines(f"    else from {source}\n" for source in file.sources[1:])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="downloader", description="Download models, verify them, and run their postprocessing."
    )
    add_selection_arguments(parser)
    parser.add_argument(
        "--precisions",
        metavar="PREC[,PREC...]",
        help=f"of models that come as IR, only these: {', '.join(PRECISIONS)}",
    )
    parser.add_argument(
        "-o",
        "--output_dir",
        type=Path,
        metavar="DIR",
        help="models folder (default: $NER_MODELS_DIR, else the user's cache folder)",
    )
    parser.add_argument(
        "--cache_dir", type=Path, metavar="DIR", help="content-addressed cache to use and fill"
    )
    parser.add_argument(
        "--num_attempts", type=_positive, metavar="N", default=5, help="attempts for each source (default: 5)"
    )
    parser.add_argument(
        "--progress_format", choices=("text", "json"), default="text", help="lines, or JSON events"
    )
    parser.add_argument(
        "-j", "--jobs", type=_positive, metavar="N", default=4, help="files at a time (default: 4)"
    )
    parser.add_argument("--offline", action="store_true", help="use only what is on this machine")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--verify", action="store_true", help="check the files on disk; download nothing")
    mode.add_argument("--dry_run", action="store_true", help="say what would be downloaded; download nothing")
    return parser


def _positive(value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        msg = f"must be a positive integer (got {value!r})"
        raise argparse.ArgumentTypeError(msg)
    return number


if __name__ == "__main__":
    sys.exit(main())
