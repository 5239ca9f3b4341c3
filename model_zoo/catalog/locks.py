"""Lock files that are no longer needed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["remove_locks"]


def remove_locks(folder: Path) -> None:
    """Remove the lock files in a folder that nobody holds, and the folder when nothing else was in it."""
    from filelock import FileLock, Timeout

    for path in folder.glob("*.lock") if folder.is_dir() else ():
        with contextlib.suppress(Timeout, OSError), FileLock(path, timeout=0):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
