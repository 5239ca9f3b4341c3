"""Atomic writes and hashes of files."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator

__all__ = ["NO_ROOM", "feed", "whole_file", "write_whole"]

_BLOCK = 1 << 20

#: Error numbers of a full disk; the system does not name the file.
NO_ROOM = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))


@contextlib.contextmanager
def whole_file(path: Path, *, flush: bool = False) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` in one step when the block ends without an error.

    Parameters
    ----------
    path : pathlib.Path
        Its folder must exist. A link is kept, and its target replaced. Pipes and devices are refused.
    flush : bool
        Wait until the system has written the content to the disk, so that it survives a power failure.

    Yields
    ------
    binary file
        The temporary file, beside the destination.

    Raises
    ------
    OSError
        It cannot be written; the old file is unchanged, and the temporary one removed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder, "note")) as file:
    ...         _ = file.write(b"text")
    ...         Path(folder, "note").exists()
    ...     Path(folder, "note").read_text()
    False
    'text'
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "is a folder, a pipe or a device, not a file", str(path))
    target = Path(os.path.realpath(path))
    short = target.name[:40]  # names may have 255 bytes
    scratch = target.with_name(f".{short}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        with scratch.open("wb") as file:
            yield file
            if flush:
                file.flush()
                os.fsync(file.fileno())
        scratch.replace(target)
    except OSError as error:
        unnamed = error.filename is None and error.errno in NO_ROOM
        if unnamed or str(error.filename) == str(scratch):
            error.filename = str(path)
        raise
    finally:
        scratch.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step: readers see the old content or all of the new content.

    Parameters
    ----------
    path : pathlib.Path
        Its folder must exist.
    content : str or bytes
        Text is written as UTF-8.

    Raises
    ------
    OSError
        It cannot be written; the old file is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "note"), "text")
    ...     Path(folder, "note").read_text(), len(list(Path(folder).iterdir()))
    ('text', 1)
    """
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def feed(digest: hashlib._Hash, path: Path) -> hashlib._Hash:
    """Feed a file to a digest in blocks of 1 MiB, and return the digest."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest
