"""Lock files: one process at a time, and their clean-up."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["alone", "remove_locks"]


@contextlib.contextmanager
def alone(path: Path, used: object, instead: str, error: type[Exception]) -> Iterator[None]:
    """Hold a lock file while a block runs; the system releases it when the process ends, however it ends.

    Parameters
    ----------
    path : pathlib.Path
        The lock file; removed at the end.
    used : object
        What the lock protects, for the message.
    instead : str
        What the user can do instead of waiting, for the message.
    error : type of Exception
        What is raised, with one message, if another process has the lock or the file is no lock.
    """
    from filelock import FileLock, Timeout

    if path.is_file() and path.stat().st_size:  # taking the lock would empty it
        msg = f"{path}: is a file of another program, and would be the lock of {used}; {instead}"
        raise error(msg)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
        while not path.exists():  # another process removed the file between opening and locking it here
            lock.release()
            lock.acquire(timeout=0)
    except Timeout:
        msg = f"{used}: another run is using it; wait until it has finished, or {instead}"
        raise error(msg) from None
    try:
        yield
    finally:
        with contextlib.suppress(PermissionError):  # Windows removes it with the release
            path.unlink(missing_ok=True)
        lock.release()


def remove_locks(folder: Path) -> None:
    """Remove the lock files in a folder that no process holds, and the folder if it is empty then."""
    from filelock import FileLock, Timeout

    for path in folder.glob("*.lock") if folder.is_dir() else ():
        with contextlib.suppress(Timeout, OSError), FileLock(path, timeout=0):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
