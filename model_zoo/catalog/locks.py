"""Clean-up of lock files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["remove_locks"]


def remove_locks(folder: Path) -> None:
    """Remove the lock files in a folder that no process holds, and the folder if it is empty then."""
    from filelock import FileLock, Timeout

    for path in folder.glob("*.lock") if folder.is_dir() else ():
        with contextlib.suppress(Timeout, OSError), FileLock(path, timeout=0):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
