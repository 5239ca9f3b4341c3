"""Download models: all files in parallel, verified, then postprocessed."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from model_zoo.catalog import folders
from model_zoo.catalog.errors import ZooError, told_by_system
from model_zoo.catalog.locks import remove_locks
from model_zoo.catalog.manifest import write_model
from model_zoo.catalog.sources import FileSource
from model_zoo.download.lockfile import Locked, Lockfile
from model_zoo.download.partial import FOLDER
from model_zoo.download.postprocessing import (
    PostprocessingError,
    forget_original,
    is_done,
    original,
    postprocess,
)
from model_zoo.download.transfer import Cancelled, Fetched, Transfer, TransferError, is_right
from model_zoo.download.wheels import Wheelhouse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model_zoo.catalog.schema import Model, ModelFile

__all__ = ["DownloadError", "download", "download_all"]

log = logging.getLogger(__name__)

#: Files fetched in parallel.
_JOBS = 4


class DownloadError(ZooError):
    """A model could not be downloaded completely; the message lists each file with the reason."""


def download(
    model: Model,
    output_dir: str | Path | None = None,
    *,
    progress: Callable[[dict[str, Any]], None] | None = None,
    cancel: threading.Event | None = None,
    transfer: Transfer | None = None,
) -> list[Fetched]:
    """Download the files of one model, verify them, and run its postprocessing.

    Parameters
    ----------
    model : Model
        From the catalog or ``hub.resolve``; a composite model includes its parts.
    output_dir : path or None
        Models folder, see ``folders.models_dir``.
    progress : callable or None
        Receives the events of ``--progress_format json``, from several threads.
    cancel : threading.Event or None
        Stops everything soon after it is set; partial files stay and are resumed later.
    transfer : Transfer or None
        Settings; None means the defaults. Its ``cancel`` is used if ``cancel`` is None.

    Returns
    -------
    list of Fetched
        One for each file, in the order of model.yml.

    Raises
    ------
    DownloadError
        A file could not be fetched, or a postprocessing step failed.
    Cancelled
        The event was set.
    """
    given = transfer or Transfer()
    # Wheels live as long as this call; a concurrent download has its own.
    settings = replace(given, cancel=cancel or given.cancel, wheels=Wheelhouse())
    with settings.wheels, ThreadPoolExecutor(_JOBS, thread_name_prefix="download") as pool:
        job = _Job(folders.models_dir(output_dir), None, progress or _silent, settings, pool)
        return [fetched for part in (model.stages or [model]) for fetched in job.run(part)]


def download_all(
    models: Sequence[Model],
    output_dir: str | Path | None = None,
    *,
    precisions: Sequence[str] | None = None,
    progress: Callable[[dict[str, Any]], None] | None = None,
    transfer: Transfer | None = None,
    jobs: int = _JOBS,
    omz: bool = False,
) -> dict[str, list[str]]:
    """Download several models in parallel; one that fails does not stop the others.

    Parameters
    ----------
    models : sequence of Model
        Parts of composite models count as models.
    output_dir, progress, transfer : optional
        As for `download`.
    precisions : sequence of str or None
        Precisions to fetch of models published as IR; models without any of them are skipped. None means
        all.
    jobs : int
        Number of files, and of models, to fetch in parallel.
    omz : bool
        Behave like Open Model Zoo's downloader: fetch the files of a model in sequence up to the first
        failure, skip models in none of the precisions, and leave only the model's own files in its folder.

    Returns
    -------
    dict of str to list of str
        Names of failed models, each with the problems of the model or its parts.
    """
    cancel = threading.Event()
    settings = replace(transfer or Transfer(), cancel=cancel, wheels=Wheelhouse())
    with settings.wheels, ThreadPoolExecutor(jobs) as files, ThreadPoolExecutor(jobs) as pool:
        job = _Job(folders.models_dir(output_dir), precisions, progress or _silent, settings, files, omz)
        parts = [(model.name, part) for model in models for part in (model.stages or [model])]
        running = [(name, pool.submit(job.attempt, part)) for name, part in parts]
        try:
            problems = [(name, future.result()) for name, future in running]
        except BaseException:
            cancel.set()
            raise
    failed: dict[str, list[str]] = {}
    for name, problem in problems:
        if problem is not None:
            failed.setdefault(name, []).append(problem)
    return failed


def _silent(_event: dict[str, Any]) -> None:
    """Ignore an event."""


@dataclass
class _Job:
    """State shared by all downloads of a run."""

    output_dir: Path
    precisions: Sequence[str] | None
    progress: Callable[[dict[str, Any]], None]
    transfer: Transfer
    pool: ThreadPoolExecutor
    omz: bool = False

    def run(self, model: Model) -> list[Fetched]:
        """Download one model (not a composite one)."""
        files = model.wanted_files(self.precisions)
        folder = self.output_dir / model.subdirectory
        count = len(model.files if self.omz else files)
        with self._alone(model, folder):
            self._emit("model_download_begin", model, num_files=count, folder=str(folder))
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
        if self.omz:
            for part in {folder, *((folder / file.name).parent for file in files)}:
                remove_locks(part / FOLDER)
        return fetched

    def _alone(self, model: Model, folder: Path) -> contextlib.AbstractContextManager[None]:
        """Lock a model whose files are changed after the download; the others need only locks per file."""
        read_only = folder.exists() and not os.access(folder, os.W_OK)
        if not model.postprocessing or read_only:
            return contextlib.nullcontext()
        return self.transfer.lock(folder / FOLDER / ".model.lock", model.name)

    def attempt(self, model: Model) -> str | None:
        """Download one model; return what went wrong, or None."""
        unsupported = self.precisions is not None and not set(self.precisions) & set(model.precisions)
        if unsupported and (self.omz or model.framework == "dldt"):
            asked = sorted(self.precisions or ())
            self._emit("model_download_skipped", model, asked=asked, has=model.precisions)
            return None
        try:
            self.run(model)
        except (DownloadError, Cancelled) as error:
            return str(error)
        except OSError as error:
            return told_by_system(error, self.output_dir)
        return None

    def _files(self, model: Model, files: list[ModelFile], folder: Path) -> list[Fetched]:
        if self.omz:
            try:
                return [self._file(model, file, folder) for file in files]
            except TransferError as problem:
                raise DownloadError(str(problem)) from None
        futures = [self.pool.submit(self._file, model, file, folder) for file in files]
        errors = [error for future in futures if (error := future.exception()) is not None]
        for error in errors:
            if not isinstance(error, TransferError):
                raise error
        if errors:
            raise DownloadError("\n".join(dict.fromkeys(map(str, errors))))
        return [future.result() for future in futures]

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
        locked = None if self._is_outdated(model, file, folder) else lock.find(file)
        size, checksum = (locked or file).size, (locked or file).checksum
        kept = original(folder, file.name)
        changed_by_us = kept != folder / file.name and is_done(model.postprocessing, folder)
        if changed_by_us and checksum is not None and is_right(kept, size, checksum):
            return Fetched("already there", "", kept.stat().st_size, checksum)
        try:
            fetched = self.transfer.fetch(
                folder / file.name,
                file.sources,
                size=size,
                checksum=checksum,
                base=model.config.parent if model.config is not None else None,
                notify=lambda event: self.progress(
                    {"$type": event["$type"], "model": model.name, "model_file": file.name, **event}
                ),
                replace=file.checksum is None and locked is None and lock.has(file.name),
            )
        except TransferError as error:
            if locked is None:
                raise
            msg = (
                f"{error}\n  {lock.path} says what was there before; delete its entry to accept another file"
            )
            raise TransferError(msg) from None
        if fetched.action != "already there":
            forget_original(folder, file.name)
        if file.checksum is None and locked is None:
            lock.record(file.name, Locked(fetched.size, fetched.checksum, fetched.source))
            message = "%s: no checksum is published for %s; recorded in %s, checked from now on"
            log.warning(message, model.name, file.name, lock.path)
        return fetched

    def _is_outdated(self, model: Model, file: ModelFile, folder: Path) -> bool:
        """Return whether the file on this machine that one was copied from has changed since."""
        source = file.sources[0]
        if not isinstance(source, FileSource) or model.config is None:
            return False
        original, copy = model.config.parent / source.path, folder / file.name
        return original.is_file() and copy.is_file() and original.stat().st_mtime > copy.stat().st_mtime

    def _postprocess(self, model: Model, folder: Path, fetched: list[Fetched]) -> None:
        fresh = any(one.action != "already there" for one in fetched)
        if not fresh and not self.omz and is_done(model.postprocessing, folder):
            return
        self._emit("model_postprocessing_begin", model)
        try:
            postprocess(model.postprocessing, folder, omz=self.omz)
        except PostprocessingError as error:
            raise DownloadError(str(error)) from None
        self._emit("model_postprocessing_end", model)

    def _emit(self, kind: str, model: Model, **values: Any) -> None:
        self.progress({"$type": kind, "model": model.name, **values})
