"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["remove_locks", "write_whole"]


def remove_locks(folder: Path) -> None:
    """Remove the lock files in a folder that nobody holds, and the folder when nothing else was in it."""
    from filelock import FileLock, Timeout

    for path in folder.glob("*.lock") if folder.is_dir() else ():
        with contextlib.suppress(Timeout, OSError), FileLock(path, timeout=0):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step: whoever reads it finds what was there before, or all of the new content.

    Parameters
    ----------
    path : Path
        Its folder must be there.
    content : str or bytes
        Text is written as UTF-8.

    Raises
    ------
    OSError
        It can't be written; the file is as it was, and nothing else is left.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "note"), "text")
    ...     Path(folder, "note").read_text(), len(list(Path(folder).iterdir()))
    ('text', 1)
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    try:
        scratch.write_bytes(content.encode() if isinstance(content, str) else content)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
