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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):  # run as a script: python model_zoo/downloader.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # in place of the folder of this file

from model_zoo import hub, store
from model_zoo.catalog import PRECISIONS, CatalogError, load_catalog
from model_zoo.filecache import FileCache
from model_zoo.lockfile import Locked, Lockfile
from model_zoo.manifest import write_model
from model_zoo.postprocessing import (
    PostprocessingError,
    forget_original,
    is_done,
    original,
    postprocess,
)
from model_zoo.reporting import JsonReporter, TextReporter, readable_size
from model_zoo.selection import add_selection_arguments, check_precisions, selected_models
from model_zoo.transfer import Cancelled, Fetched, Patience, Transfer, TransferError, is_right
from model_zoo.verification import verdict, verify, wanted_files
from model_zoo.wheels import Wheelhouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from model_zoo.catalog import Model, ModelFile

__all__ = ["DownloadError", "download", "main"]

log = logging.getLogger(__name__)


class DownloadError(Exception):
    """A model could not be downloaded completely; the message has every file and reason."""


def download(
    model: Model,
    output_dir: str | Path | None = None,
    *,
    precisions: Sequence[str] | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
    cancel: threading.Event | None = None,
    transfer: Transfer | None = None,
    jobs: int = 4,
) -> list[Fetched]:
    """Download the files of one model, verify them, and run its postprocessing.

    Parameters
    ----------
    model : Model
        Of the catalog, or looked up with ``hub.resolve``; a composite model brings its parts.
    output_dir : path or None
        Models folder, see ``store.models_dir``.
    precisions : sequence of str or None
        Of a model that comes as IR, only these; None means all.
    progress : callable or None
        Gets events as in ``--progress_format json``, from several threads.
    cancel : threading.Event or None
        Stops everything soon after it is set; parts stay and are continued later.
    transfer : Transfer or None
        Patience, caches, offline; None means the defaults. Its ``cancel`` is used when ``cancel`` is None.
    jobs : int
        Files at a time.

    Returns
    -------
    list of Fetched
        One for each file, in the order of model.yml.

    Raises
    ------
    DownloadError
        A file could not be had, or a step is not possible.
    Cancelled
        The event was set.
    """
    given = transfer or Transfer()
    # Wheels live as long as this call; another download at the same time has its own.
    settings = replace(given, cancel=cancel if cancel is not None else given.cancel, wheels=Wheelhouse())
    with settings.wheels, ThreadPoolExecutor(jobs, thread_name_prefix="download") as pool:
        job = _Job(store.models_dir(output_dir), precisions, progress or _silent, settings, pool)
        return [fetched for part in (model.stages or [model]) for fetched in job.run(part)]


def _silent(_event: dict[str, Any]) -> None:
    """Take an event that nobody wants to see."""


@dataclass
class _Job:
    """What all downloads of one run share."""

    output_dir: Path
    precisions: Sequence[str] | None
    progress: Callable[[dict[str, Any]], None]
    transfer: Transfer
    pool: ThreadPoolExecutor

    def run(self, model: Model) -> list[Fetched]:
        """Download one model (not a composite one)."""
        files = wanted_files(model, self.precisions)
        folder = self.output_dir / model.subdirectory
        self._emit("model_download_begin", model, num_files=len(files), folder=str(folder))
        try:
            fetched = self._files(model, files, folder)
        except BaseException:
            self._emit("model_download_end", model, successful=False)
            raise
        self._emit("model_download_end", model, successful=True)
        if model.postprocessing:
            self._postprocess(model, folder, fetched)
        if model.config is None:
            write_model(model, folder / "model.yml")
        return fetched

    def _files(self, model: Model, files: list[ModelFile], folder: Path) -> list[Fetched]:
        futures = [self.pool.submit(self._file, model, file, folder) for file in files]
        results: list[Fetched] = []
        problems: list[str] = []
        cancelled: Cancelled | None = None
        for future in futures:
            error = future.exception()
            if isinstance(error, Cancelled):
                cancelled = error
            elif isinstance(error, TransferError):
                problems.append(str(error))
            elif error is not None:
                raise error
            else:
                results.append(future.result())
        if cancelled is not None:
            raise cancelled
        if problems:
            raise DownloadError("\n".join(problems))
        return results

    def _file(self, model: Model, file: ModelFile, folder: Path) -> Fetched:
        self._emit("model_file_download_begin", model, model_file=file.name, size=file.size)
        try:
            fetched = self._fetch(model, file, folder)
        except BaseException as error:
            action = "cancelled" if isinstance(error, Cancelled) else "failed"
            end = {"successful": False, "action": action, "message": str(error)}
            self._emit("model_file_download_end", model, model_file=file.name, **end)
            raise
        end = {"successful": True, "action": fetched.action, "size": fetched.size, "source": fetched.source}
        self._emit("model_file_download_end", model, model_file=file.name, **end)
        return fetched

    def _fetch(self, model: Model, file: ModelFile, folder: Path) -> Fetched:
        lock = Lockfile(folder)
        locked = None if file.checksum else lock.find(file.name, [str(source) for source in file.sources])
        size = file.size if locked is None else locked.size
        checksum = file.checksum if locked is None else locked.checksum
        kept = original(folder, file.name)
        changed_by_us = kept != folder / file.name and is_done(model.postprocessing, folder)
        if changed_by_us and checksum is not None and is_right(kept, size, checksum):
            return Fetched("already there", "", kept.stat().st_size, checksum)
        fetched = self.transfer.fetch(
            folder / file.name,
            file.sources,
            size=size,
            checksum=checksum,
            base=model.config.parent if model.config is not None else None,
            notify=lambda event: self._emit(event["$type"], model, model_file=file.name, **_rest(event)),
            replace=file.checksum is None and locked is None and lock.has(file.name),
        )
        if fetched.action != "already there":
            forget_original(folder, file.name)
        if file.checksum is None and locked is None:
            lock.record(file.name, Locked(fetched.size, fetched.checksum, fetched.source))
            log.warning(
                "%s: its publisher states no checksum; recorded %s in %s, checked from now on",
                file.name,
                fetched.checksum,
                lock.path,
            )
        return fetched

    def _postprocess(self, model: Model, folder: Path, fetched: list[Fetched]) -> None:
        fresh = any(one.action != "already there" for one in fetched)
        if not fresh and is_done(model.postprocessing, folder):
            return
        self._emit("model_postprocessing_begin", model)
        try:
            postprocess(model.postprocessing, folder, fresh=fresh)
        except PostprocessingError as error:
            raise DownloadError(str(error)) from None
        self._emit("model_postprocessing_end", model)

    def _emit(self, kind: str, model: Model, **values: Any) -> None:
        self.progress({"$type": kind, "model": model.name, **values})


def _rest(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "$type"}


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
    known = store.find_model(name, output_dir=arguments.output_dir)
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
        job = _Job(store.models_dir(arguments.output_dir), precisions, reporter, transfer, files)
        parts = [(model, part) for model in models for part in (model.stages or [model])]
        running = [(model, pool.submit(_attempt, job, part)) for model, part in parts]
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


def _attempt(job: _Job, model: Model) -> str | None:
    """Download one model; return what went wrong, or None."""
    unsupported = job.precisions is not None and not set(job.precisions) & set(model.precisions)
    if model.framework == "dldt" and unsupported:
        log.info("Skipping %s: it comes in %s only", model.name, ", ".join(model.precisions))
        return None
    try:
        job.run(model)
    except (DownloadError, Cancelled) as error:
        return str(error)
    except OSError as error:
        return f"{error.filename or job.output_dir}: {error.strerror or error}"
    return None


def _verify_all(models: list[Model], output_dir: Path | None, precisions: list[str] | None) -> int:
    right = True
    for model in models:
        sys.stdout.write(f"{model.name} in {store.model_folder(model, output_dir)}\n")
        for file, found in verify(model, output_dir, precisions=precisions).items():
            sys.stdout.write(f"  {file}: {found}\n")
            right = right and found in ("right", "not verifiable")
    return 0 if right else 1


def _plan_all(models: list[Model], output_dir: Path | None, precisions: list[str] | None) -> int:
    for model in models:
        for part in model.stages or [model]:
            folder = store.model_folder(part, output_dir)
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
