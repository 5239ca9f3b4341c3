"""Sources of documents: files, folders, globs, URLs and standard input, plain or compressed.

Local paths are read with the standard library; anything with a scheme (``s3://``, ``gs://``, ``https://``)
goes through fsspec (https://filesystem-spec.readthedocs.io), which is imported only then.
"""

from __future__ import annotations

import errno
import glob
import gzip
import io
import os
import re
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from ner_documents.document import CorpusError
from ner_documents.formats import BEGIN, FORMATS, SUFFIXES, format_by_content, format_by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "Meter",
    "Source",
    "filesystem_of",
    "find_sources",
    "identified",
    "is_url",
    "open_binary",
    "open_file",
    "open_stored",
    "open_url",
    "read_whole",
    "require",
    "source_of",
    "total_size",
]

_URL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Attributes
    ----------
    path : str
        Local path, URL, or ``-`` for standard input.
    format : str
        One of `FORMATS`, empty if it is unknown: what the name tells, after `identified` the content.
    compression : str or None
        ``gzip``, ``zstd`` or None.
    size : int or None
        Stored size in bytes, None if unknown.
    modified : str
        Stamp that changes with the file: modification time, or the store's ETag; empty if unknown.
    content : bytes or None
        The content, if `path` is only a name, such as that of an archive member.
    told : str or None
        The format that the name tells, if `format` is that of the content.
    """

    path: str
    format: str
    compression: str | None = None
    size: int | None = None
    modified: str = ""
    content: bytes | None = field(default=None, repr=False)
    told: str | None = None


@dataclass
class Meter:
    """Counts the stored bytes read, for the progress report."""

    bytes: int = 0


def is_url(path: str) -> bool:
    """Return whether a path has a scheme and is read through fsspec.

    Examples
    --------
    >>> is_url("s3://bucket/key"), is_url("folder/file.txt"), is_url("C:/file.txt")
    (True, False, False)
    """
    return bool(_URL.match(path))


def find_sources(inputs: Sequence[str], format_name: str | None = None) -> tuple[list[Source], list[str]]:
    """Expand inputs into files, in a fixed order.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders (searched recursively, without hidden files), globs (``**`` allowed), URLs of these,
        or ``-``. Inputs keep their order; the files of a folder or glob are sorted by name.
    format_name : str, optional
        One of `FORMATS`; by default the suffix decides, below ``.gz`` and ``.zst``, or the content of a named
        file.

    Returns
    -------
    list of Source, list of str
        Each file once, and the files in folders that were skipped because their suffix is unknown.

    Raises
    ------
    CorpusError
        For an input that does not exist, a glob without matches, or a named file with an unknown suffix.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "b.txt").write_text("Mary sings.")
    ...     _ = Path(folder, "a.jsonl.gz").write_bytes(b"")
    ...     found, left_out = find_sources([folder])
    >>> [(Path(source.path).name, source.format, source.compression) for source in found]
    [('a.jsonl.gz', 'jsonl', 'gzip'), ('b.txt', 'text', None)]
    """
    found: dict[str, Source] = {}
    left_out: list[str] = []
    for given in inputs:
        candidates = list(_expand(given))
        if not candidates:
            msg = f"{given}: expected files to annotate, found none"
            raise CorpusError(msg)
        for source, named in candidates:
            if format_name:
                source = replace(source, format=format_name)
            elif named and not source.format:
                source = identified(source)
            if source.format:
                place = source.path if is_url(source.path) else os.path.abspath(source.path)  # noqa: PTH100 - links stay
                found.setdefault(place, source)
            elif named:
                known = " ".join(SUFFIXES)
                msg = (
                    f"{source.path}: unknown suffix; expected one of {known}, "
                    f"or --input-format {'|'.join(FORMATS)}"
                )
                raise CorpusError(msg)
            else:
                left_out.append(source.path)
    if not found:
        msg = (
            f"{', '.join(inputs)}: none of the {len(left_out)} files has a known suffix; give --input-format"
        )
        raise CorpusError(msg)
    return list(found.values()), left_out


def _expand(given: str) -> Iterator[tuple[Source, bool]]:
    """Yield files, and whether the user named them."""
    if given == "-":
        yield Source("-", "text"), True
    elif is_url(given):
        yield from _expand_url(given)
    elif Path(given).is_dir():
        unlisted: list[OSError] = []
        for file in sorted(_walk(given, unlisted)):
            yield _local(file), False
        for error in unlisted:  # reported when it is read
            yield Source(str(error.filename), "text", size=0), True
    elif os.path.lexists(given):
        yield _local(given), True
    elif glob.has_magic(given):
        for file in sorted(glob.glob(given, recursive=True)):  # noqa: PTH207 - Path.glob takes no absolute pattern
            if not Path(file).is_dir():
                yield _local(file), True
    else:
        msg = f"{given}: no such file or folder"
        raise CorpusError(msg)


def _walk(folder: str, unlisted: list[OSError]) -> Iterator[str]:
    for parent, folders, files in os.walk(folder, onerror=unlisted.append):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not name.endswith(".partial")
        )
        yield from (str(Path(parent, name)) for name in files if not name.startswith("."))


def _local(path: str) -> Source:
    source = source_of(path)
    try:
        status = Path(path).stat()
    except OSError:  # a dangling link is reported when it is read
        return source
    return replace(source, size=status.st_size, modified=str(status.st_mtime_ns))


def _expand_url(url: str) -> Iterator[tuple[Source, bool]]:
    filesystem, path = filesystem_of(url)
    try:
        if glob.has_magic(path):
            paths, named = sorted(filesystem.glob(path)), True
        elif filesystem.isdir(path):
            paths, named = sorted(filesystem.find(path)), False
        else:
            paths, named = [path], True
        for name in paths:
            details = filesystem.info(name)
            stamp = next(
                (str(details[key]) for key in ("ETag", "etag", "mtime", "LastModified") if key in details), ""
            )
            source = source_of(filesystem.unstrip_protocol(name))
            yield replace(source, size=details.get("size"), modified=stamp), named
    except FileNotFoundError:
        msg = f"{url}: no such file or folder"
        raise CorpusError(msg) from None
    except Exception as error:  # each store has its own exceptions
        msg = f"{url}: cannot be listed: {error}"
        raise CorpusError(msg) from error


def filesystem_of(url: str) -> tuple[Any, str]:
    """Find the fsspec file system of a URL, and the path in it.

    Raises
    ------
    CorpusError
        If fsspec, or what it needs for this scheme, is not installed.
    """
    fsspec = require("fsspec", "documents", f"{url}: reading and writing URLs")
    try:
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url))
    except (ImportError, ValueError) as error:  # fsspec names the package that the scheme needs
        msg = f"{url}: {error}"
        raise CorpusError(msg) from error


def require(module: str, extra: str, purpose: str) -> Any:
    """Import an optional module, or name the extra that provides it.

    Raises
    ------
    CorpusError
        With the command that installs it.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        msg = f"{purpose} needs {module}, which is not installed; run: pip install 'ner-zoo[{extra}]'"
        raise CorpusError(msg) from None


def open_url(url: str) -> IO[bytes]:
    """Open a URL for reading, through fsspec."""
    filesystem, path = filesystem_of(url)
    return cast("IO[bytes]", filesystem.open(path, "rb"))


def open_stored(source: Source) -> IO[bytes]:
    """Open a source as it is stored."""
    if source.content is not None:
        return io.BytesIO(source.content)
    if source.path == "-":
        return sys.stdin.buffer
    return open_url(source.path) if is_url(source.path) else cast("IO[bytes]", open_file(source.path))


@contextmanager
def open_binary(source: Source, meter: Meter) -> Iterator[BinaryIO]:
    """Open a source as a buffered stream of decompressed bytes; the meter counts stored bytes.

    Raises
    ------
    OSError
        If the file cannot be opened; decompression errors are raised by reads.
    CorpusError
        If pyarrow or fsspec is needed and not installed.
    """
    stored = io.BufferedReader(_Counted(open_stored(source), meter), _BUFFER)
    with stored:
        if source.compression is None:
            yield cast("BinaryIO", stored)
            return
        decompressed: Any
        if source.compression == "gzip":
            decompressed = gzip.GzipFile(fileobj=stored)
        else:
            # Unlike the zstandard package, Arrow detects a truncated file.
            arrow = require("pyarrow", "documents", f"{source.path}: reading .zst")
            decompressed = arrow.CompressedInputStream(arrow.PythonFile(stored, mode="r"), "zstd")
        yield cast("BinaryIO", io.BufferedReader(decompressed, _BUFFER))


def source_of(source: Source | str | Path, content: bytes | None = None) -> Source:
    """Return the source for a file name, of the format that the name tells, or of none."""
    if isinstance(source, Source):
        return source
    kind, compression = format_by_name(Path(source).as_posix())
    size = None if content is None else len(content)
    return Source(str(source), kind or "", compression, size, content=content)


def identified(source: Source) -> Source:
    """Return a source of the format that its content tells; unchanged if it is not in a folder or a text.

    Examples
    --------
    >>> identified(Source("page.doc", "", content=b"<html><p>Mary")).format
    'html'
    """
    stored = source.content is not None or (source.path != "-" and Path(source.path).is_file())
    if source.told is not None or not stored:
        return source
    kind = source.format
    with suppress(Exception), open_binary(source, Meter()) as stream:  # errors are reported when it is read
        kind = format_by_content(stream.read(BEGIN), kind)
    return replace(source, format=kind, told=source.format)


def open_file(path: str) -> io.FileIO:
    """Open a regular file, unbuffered; reading a pipe or device might never end, or block.

    Raises
    ------
    OSError
        If it cannot be opened or is not a regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    handed_over = path.startswith(("/dev/fd/", "/proc/self/fd/"))  # a shell's <(command)
    descriptor = os.open(path, flags & ~getattr(os, "O_NONBLOCK", 0) if handed_over else flags)
    if not (stat.S_ISREG(os.fstat(descriptor).st_mode) or handed_over):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is a folder, a pipe or a device, not a file", path)
    return io.FileIO(descriptor)


def read_whole(path: str, most: int = 1 << 30) -> bytes:
    """Read a whole file, or standard input for ``-``, up to a limit.

    Raises
    ------
    OSError
        If it cannot be opened, is not a regular file, or holds more than `most` bytes.
    """
    if path == "-":
        content = sys.stdin.buffer.read(most + 1)
    else:
        with io.BufferedReader(open_file(path)) as stream:
            content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most // 1_000_000:,} MB; split it", path)
    return content


class _Counted(io.RawIOBase):
    """A raw stream that reports to a meter how much was read."""

    def __init__(self, raw: Any, meter: Meter) -> None:
        self._raw = raw
        self._meter = meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._meter.bytes += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed and self._raw is not getattr(sys.stdin, "buffer", None):  # None in a service
            self._raw.close()
        super().close()


def total_size(sources: Iterable[Source]) -> int | None:
    """Return the total stored size of the sources, None if one is unknown."""
    sizes = [source.size for source in sources]
    return None if any(size is None for size in sizes) else sum(size for size in sizes if size is not None)
