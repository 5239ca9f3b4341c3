"""Lock files: one process at a time, and their clean-up."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["alone", "held", "remove_locks"]

_POLL = 0.2  # seconds between tries for a lock that another process holds


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
    if path.is_file() and path.stat().st_size:  # taking the lock would empty it
        msg = f"{path}: is a file of another program, and would be the lock of {used}; {instead}"
        raise error(msg)

    def refuse() -> NoReturn:
        msg = f"{used}: another run is using it; wait until it has finished, or {instead}"
        raise error(msg)

    with held(path, refuse):
        try:
            yield
        finally:
            with contextlib.suppress(PermissionError):  # Windows removes it with the release
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def held(path: Path, wait: Callable[[], object]) -> Iterator[None]:
    """Hold a lock file while a block runs; `wait` is called again and again while another process has it."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=_POLL)
            if path.exists():
                break
            lock.release()  # another process removed the file between opening and locking it here
        except FileNotFoundError:  # another process removed the folder with its locks
            continue
        except Timeout:
            if path.exists():
                wait()
            else:
                path.touch()  # released just now; where it cannot be made, the system says why
    try:
        yield
    finally:
        lock.release()


def remove_locks(folder: Path) -> None:
    """Remove the lock files in a folder that no process holds, and the folder if it is empty then."""
    from filelock import FileLock, Timeout

    for path in folder.glob("*.lock") if folder.is_dir() else ():
        with contextlib.suppress(Timeout, OSError), FileLock(path, timeout=0):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
