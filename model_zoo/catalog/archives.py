"""Read untrusted archives member by member, within bounds.

An archive with a member that is a link or a device, or whose name leaves the archive, is refused. The bounds
apply to unpacked bytes, headers included: tarfile reads long names and extended headers at once, whatever
size they claim, and keeps them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NoReturn

from model_zoo.catalog.errors import ZooError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["DAMAGED", "FORMATS", "ArchiveError", "Limits", "Member", "open_archive"]

#: Tar formats, each with the function that opens its compression.
_TARS: dict[str, Any] = {"tar": open, "gztar": gzip.open, "bztar": bz2.open, "xztar": lzma.open}
FORMATS = ("zip", *_TARS)

#: Raised by the readers for bytes that are no archive of the given format.
DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,  # including NotImplementedError, and RecursionError: nested extended headers
    OSError,
    UnicodeError,
    OverflowError,
)

_FREE = 64 << 20  # bytes that any archive may unpack to: small files may compress well
_HEADERS = 1 << 20  # bytes of headers before one member, or for all members together
_SHARED_HEADERS = 100  # keys in headers that apply to all members after them


class ArchiveError(ZooError, ValueError):
    """An archive was refused; the message names the file and the reason."""


@dataclass(frozen=True)
class Limits:
    """Bounds on the content of an archive.

    Attributes
    ----------
    members : int
        Number of files and folders.
    size : int
        Unpacked bytes of all files together.
    ratio : int
        Unpacked bytes per byte of the archive, beyond an allowance of 64 MiB.
    """

    members: int = 100_000
    size: int = 32 << 30
    ratio: int = 200

    def allowance(self, archive: Path) -> int:
        """Return how many bytes this archive may unpack to."""
        return min(self.size, _FREE + self.ratio * archive.stat().st_size)


@dataclass(frozen=True)
class Member:
    """One file or folder of an archive.

    Attributes
    ----------
    name : str
        Relative path with forward slashes, without ``..``; ``.`` for the root.
    size : int
        Claimed size in bytes.
    stream : binary file or None
        Content, to be read before the next member is requested and not to be closed; None for a folder.
    """

    name: str
    size: int
    stream: IO[bytes] | None


@contextmanager
def open_archive(path: Path, kind: str, limits: Limits) -> Iterator[Iterator[Member]]:
    """Open an archive and iterate over its members.

    Parameters
    ----------
    path : Path
        The archive.
    kind : str
        One of `FORMATS`; another compression counts as damage.
    limits : Limits
        Bounds on the content.

    Yields
    ------
    iterator of Member

    Raises
    ------
    ArchiveError
        While iterating or reading: a member is unsafe, or the archive is larger than allowed.
    """
    allowance = limits.allowance(path)
    if kind == "zip":
        with zipfile.ZipFile(path) as zipped:
            yield _counted(path, _zip_members(path, zipped, allowance), limits)
        return
    with _BoundedReader(path, _TARS[kind](path, "rb"), allowance) as whole:
        whole.headers_left = _HEADERS
        with tarfile.open(fileobj=whole, mode="r:") as tar:
            yield _counted(path, _tar_members(path, tar, whole), limits)


def _counted(path: Path, members: Iterator[Member], limits: Limits) -> Iterator[Member]:
    for count, member in enumerate(members):
        if count >= limits.members:
            msg = f"{path}: expected at most {limits.members} members, found more"
            raise ArchiveError(msg)
        yield member


def _zip_members(path: Path, zipped: zipfile.ZipFile, allowance: int) -> Iterator[Member]:
    for entry in zipped.infolist():
        mode = entry.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            msg = f"{path}: member {entry.filename!r} is a link or a device"
            raise ArchiveError(msg)
        name = _safe_name(path, entry.filename)
        if entry.is_dir():
            yield Member(name, 0, None)
            continue
        with _BoundedReader(path, zipped.open(entry), allowance) as stream:
            yield Member(name, entry.file_size, stream)  # type: ignore[arg-type]
            allowance -= stream.tell()


def _tar_members(path: Path, tar: tarfile.TarFile, whole: _BoundedReader) -> Iterator[Member]:
    while True:
        whole.headers_left = _HEADERS
        entry = tar.next()
        whole.headers_left = None
        if entry is None:
            return
        tar.members.clear()  # type: ignore[attr-defined]  # it keeps every member, with a copy of the shared headers
        if len(tar.pax_headers) > _SHARED_HEADERS:
            msg = f"{path}: expected at most {_SHARED_HEADERS} headers for all members, found more"
            raise ArchiveError(msg)
        if entry.issparse() or not (entry.isreg() or entry.isdir()):
            msg = f"{path}: member {entry.name!r} is a link or a device"
            raise ArchiveError(msg)
        yield Member(_safe_name(path, entry.name), entry.size, tar.extractfile(entry))


def _safe_name(path: Path, name: str) -> str:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name or "\0" in name:
        msg = f"{path}: member {name!r} would be written outside the folder"
        raise ArchiveError(msg)
    return str(parts)


class _BoundedReader(io.RawIOBase):
    """A stream bounded to `allowance` bytes, and to `headers_left` more bytes while that is set."""

    def __init__(self, path: Path, stream: Any, allowance: int) -> None:
        self._path, self._stream, self._allowance = path, stream, allowance
        self.headers_left: int | None = None

    def read(self, size: int = -1) -> bytes:
        if self.headers_left is not None:
            if not 0 <= size <= self.headers_left:
                self._refuse(f"{_HEADERS} bytes of headers for a member")
            self.headers_left -= size
        if size < 0:
            size = self._allowance - self._stream.tell() + 1
        block = self._stream.read(size)
        if self._stream.tell() > self._allowance:
            self._refuse(f"{self._allowance} bytes in it")
        return block

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != io.SEEK_SET or offset > self._allowance:
            self._refuse(f"{self._allowance} bytes in it")
        return self._stream.seek(offset)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def _refuse(self, most: str) -> NoReturn:
        msg = f"{self._path}: expected at most {most}, found more"
        raise ArchiveError(msg)
